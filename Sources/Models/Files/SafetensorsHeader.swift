import JSON
import TensorEngine

/// The JSON part of a safetensors file.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: SafetensorsType
    let shape: Shape
    /// In bytes after the header.
    let range: Range<Int>
  }

  /// In the order of their values in the file.
  let tensors: [Entry]
  let metadata: [String: String]

  init(_ bytes: [UInt8]) throws(SafetensorsError) {
    // The format forbids the white space that JSON allows here.
    guard bytes.first == UInt8(ascii: "{"), case .object(let header) = try Self.document(bytes) else {
      throw SafetensorsError("the header does not begin with {: this is not a safetensors file")
    }
    metadata = try Self.metadata(header[Self.metadataKey])
    var entries: [Entry] = []
    for (name, value) in header.members where name != Self.metadataKey { entries.append(try Self.entry(name, value)) }
    tensors = entries.sorted { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
  }

  static let metadataKey = "__metadata__"

  private static func document(_ bytes: [UInt8]) throws(SafetensorsError) -> JSONValue {
    do {
      return try JSONValue(parsing: bytes)
    } catch {
      let detail = (error as? JSONSyntaxError).map { "\($0.message), at byte \(8 + $0.offset)" } ?? "\(error)"
      throw SafetensorsError("the header is not valid JSON: \(detail)")
    }
  }

  private static func metadata(_ value: JSONValue?) throws(SafetensorsError) -> [String: String] {
    guard let value, value != .null else { return [:] }
    guard case .object(let object) = value else { throw SafetensorsError("\(metadataKey) must be an object of strings") }
    var metadata: [String: String] = [:]
    for (key, value) in object.members {
      guard let text = value.string else { throw SafetensorsError("\(key) in \(metadataKey) must be a string") }
      metadata[key] = text
    }
    return metadata
  }

  private static func entry(_ name: String, _ value: JSONValue) throws(SafetensorsError) -> Entry {
    let fields = ["dtype", "shape", "data_offsets"]
    guard case .object(let object) = value, fields.allSatisfy({ object[$0] != nil }) else {
      throw SafetensorsError("\(name) needs an object with dtype, shape and data_offsets")
    }
    if let key = object.keys.first(where: { !fields.contains($0) }) {
      throw SafetensorsError("\(name) has a field \(key): a tensor has dtype, shape and data_offsets")
    }
    let type = try type(of: name, object["dtype"])
    let shape = try wholeNumbers("shape", of: name, object["shape"])
    let range = try range(of: name, object["data_offsets"])
    var size = type.bytes
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw SafetensorsError("\(name) of shape \(Shape(shape)) is too large") }
      size = product
    }
    guard range.count == size else {
      throw SafetensorsError("\(name) has \(range.count) bytes of values, but \(type.rawValue) of shape \(Shape(shape)) takes \(size)")
    }
    return Entry(name: name, type: type, shape: Shape(shape), range: range)
  }

  private static func type(of name: String, _ value: JSONValue?) throws(SafetensorsError) -> SafetensorsType {
    guard let label = value?.string else { throw SafetensorsError("dtype of \(name) must be a string") }
    guard let type = SafetensorsType(rawValue: label) else {
      let known = SafetensorsType.allCases.filter(\.isOfWeights).map(\.rawValue).joined(separator: ", ")
      throw SafetensorsError("\(name) is of type \(label): weights are \(known)")
    }
    return type
  }

  private static func range(of name: String, _ value: JSONValue?) throws(SafetensorsError) -> Range<Int> {
    let offsets = try wholeNumbers("data_offsets", of: name, value)
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw SafetensorsError("data_offsets of \(name) must be where its values begin and end, not \(offsets)")
    }
    return offsets[0]..<offsets[1]
  }

  private static func wholeNumbers(_ field: String, of name: String, _ value: JSONValue?) throws(SafetensorsError) -> [Int] {
    guard case .array(let elements) = value else { throw SafetensorsError("\(field) of \(name) must be a list of whole numbers") }
    var numbers: [Int] = []
    for element in elements {
      // `JSONValue.integer` would accept 1.0 too.
      guard case .int(let number) = element, let number = Int(exactly: number), number >= 0 else {
        throw SafetensorsError("\(field) of \(name) must hold whole numbers from 0, not \(element.serialised())")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Checks that the values fill the rest of the file, one tensor after the other.
  func checkRanges(of count: Int) throws(SafetensorsError) {
    var next = 0
    for tensor in tensors {
      guard tensor.range.lowerBound == next else {
        let fault = tensor.range.lowerBound < next ? "overlap those before them" : "leave a gap before them"
        throw SafetensorsError("the values of \(tensor.name) begin at \(tensor.range.lowerBound) and \(fault), which end at \(next)")
      }
      next = tensor.range.upperBound
      guard next <= count else {
        throw SafetensorsError("the values of \(tensor.name) end at \(next), but the file holds \(count) bytes of values: it is truncated")
      }
    }
    guard next == count else { throw SafetensorsError("\(count - next) bytes follow the last tensor's values") }
  }
}
