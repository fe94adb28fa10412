import Foundation
import TensorEngine

/// The JSON part of a safetensors file, taken apart strictly: Foundation's parsers keep one of two equal names silently, and the
/// format forbids them.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: SafetensorsType
    let shape: Shape
    /// In bytes after the header.
    let range: Range<Int>
  }

  /// In the order of their values in the file.
  private(set) var tensors: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  init(_ bytes: [UInt8]) throws(SafetensorsError) {
    var scanner = HeaderScanner(bytes)
    guard bytes.first == UInt8(ascii: "{") else {
      throw SafetensorsError("the header does not begin with {: this is not a safetensors file")
    }
    var entries: [Entry] = []
    try scanner.object { (scanner, name) throws(SafetensorsError) in
      if name == "__metadata__" {
        var metadata: [String: String] = [:]
        try scanner.object { (scanner, key) throws(SafetensorsError) in metadata[key] = try scanner.string() }
        self.metadata = metadata
      } else {
        entries.append(try Self.entry(name, &scanner))
      }
    }
    try scanner.end()
    tensors = entries.sorted { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
  }

  private static func entry(_ name: String, _ scanner: inout HeaderScanner) throws(SafetensorsError) -> Entry {
    var label: String?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.object { (scanner, key) throws(SafetensorsError) in
      switch key {
      case "dtype": label = try scanner.string()
      case "shape": shape = try scanner.integers()
      case "data_offsets": offsets = try scanner.integers()
      default: throw SafetensorsError("\(name) has a field \(key): a tensor has dtype, shape and data_offsets")
      }
    }
    guard let label, let shape, let offsets else { throw SafetensorsError("\(name) needs dtype, shape and data_offsets") }
    guard let type = SafetensorsType(rawValue: label) else {
      let known = SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
      throw SafetensorsError("\(name) is of type \(label): weights are \(known)")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw SafetensorsError("data_offsets of \(name) must be where its values begin and end, not \(offsets)")
    }
    var size = type.bytes
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw SafetensorsError("\(name) of shape \(Shape(shape)) is too large") }
      size = product
    }
    guard offsets[1] - offsets[0] == size else {
      throw SafetensorsError("\(name) has \(offsets[1] - offsets[0]) bytes of values, but \(label) of shape \(Shape(shape)) takes \(size)")
    }
    return Entry(name: name, type: type, shape: Shape(shape), range: offsets[0]..<offsets[1])
  }

  /// The values must fill the rest of the file, one tensor after the other.
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

/// Reads the few forms of JSON that a header has: objects without equal keys, strings, and lists of whole numbers.
private struct HeaderScanner {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func peek() -> UInt8? {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    return position < bytes.count ? bytes[position] : nil
  }

  private mutating func takes(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private func fault(_ expected: String) -> SafetensorsError {
    SafetensorsError("the header is not as the format has it: \(expected) expected at byte \(8 + position)")
  }

  /// Calls `member` at each value, which it must take.
  mutating func object(_ member: (inout Self, _ key: String) throws(SafetensorsError) -> Void) throws(SafetensorsError) {
    guard takes("{") else { throw fault("{") }
    if takes("}") { return }
    var keys: Set<String> = []
    repeat {
      let key = try string()
      guard keys.insert(key).inserted else { throw SafetensorsError("the header names \(key) twice") }
      guard takes(":") else { throw fault(":") }
      try member(&self, key)
    } while takes(",")
    guard takes("}") else { throw fault("}") }
  }

  mutating func integers() throws(SafetensorsError) -> [Int] {
    guard takes("[") else { throw fault("a list of whole numbers") }
    if takes("]") { return [] }
    var values: [Int] = []
    repeat { values.append(try integer()) } while takes(",")
    guard takes("]") else { throw fault("]") }
    return values
  }

  private mutating func integer() throws(SafetensorsError) -> Int {
    _ = peek()
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let isLongForm = digits.count > 1 && digits.first == UInt8(ascii: "0")
    guard !isLongForm, let value = Int(String(decoding: digits, as: UTF8.self)) else { throw fault("a whole number") }
    position += digits.count
    return value
  }

  mutating func string() throws(SafetensorsError) -> String {
    guard peek() == UInt8(ascii: "\"") else { throw fault("a string") }
    var end = position + 1
    while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
    guard end < bytes.count else { throw fault("the end of the string that begins") }
    guard let value = try? JSONDecoder().decode(String.self, from: Data(bytes[position...end])) else {
      throw fault("a string of valid UTF-8 and escapes")
    }
    position = end + 1
    return value
  }

  mutating func end() throws(SafetensorsError) {
    guard peek() == nil else { throw fault("the end of the header") }
  }
}
