import Foundation
import JSON
import TensorEngine

/// A file of named tensors in the safetensors format (github.com/huggingface/safetensors, "Format"): the length of the header as a
/// little-endian 64-bit number, a JSON header, and the values, row-major and little-endian.
package struct Safetensors: Sendable {
  package let weights: Weights
  /// The header's `__metadata__`.
  package let metadata: [String: String]

  package init(_ weights: Weights, metadata: [String: String] = [:]) {
    self.weights = weights
    self.metadata = metadata
  }
}

// MARK: - Writing

extension Safetensors {
  /// The bytes of the file. All tensors are F32, in order. The same values give the same bytes.
  package func encoded() -> Data {
    var data = Data(capacity: byteCount)
    write { data.append(contentsOf: $0) }
    return data
  }

  /// The length of the file.
  package var byteCount: Int { header.count + weights.entries.reduce(0) { $0 + 4 * $1.tensor.shape.count } }

  /// Passes the file to `body` piece by piece: the header, then one tensor after the other.
  package func write(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    try header.withUnsafeBytes(body)
    for entry in weights.entries {
      #if _endian(little)
        try entry.tensor.values.withUnsafeBytes(body)
      #else
        try entry.tensor.values.map(\.bitPattern.littleEndian).withUnsafeBytes(body)
      #endif
    }
  }

  private var header: [UInt8] {
    var object = JSONObject()
    if !metadata.isEmpty {
      var members = JSONObject()
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { members[key] = .string(value) }
      object[SafetensorsHeader.metadataKey] = .object(members)
    }
    var offset = 0
    for entry in weights.entries {
      let end = offset + 4 * entry.tensor.shape.count
      let shape = entry.tensor.shape.dimensions.map { JSONValue.int(Int64($0)) }
      object[entry.name] = ["dtype": "F32", "shape": .array(shape), "data_offsets": [.int(Int64(offset)), .int(Int64(end))]]
      offset = end
    }
    var json = Array(JSONValue.object(object).serialised().utf8)
    // Spaces to a multiple of 8, so that the values can be mapped aligned.
    json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
  }
}

// MARK: - Reading

extension Safetensors {
  /// The longest header that is accepted, as in the format's reference implementation.
  static let longestHeader = 100_000_000

  /// Reads a file without loading all of it into memory first.
  ///
  /// - Throws: `SafetensorsError`, or Foundation's error when the file cannot be read.
  package init(contentsOf file: URL) throws {
    try self.init(Data(contentsOf: file, options: .alwaysMapped))
  }

  /// Reads a file. F16, BF16 and F64 are converted to F32.
  ///
  /// - Throws: what is wrong and where: an invalid header, or offsets that overlap, leave gaps or exceed the file.
  package init(_ data: Data) throws(SafetensorsError) {
    if let kind = ForeignFile([UInt8](data.prefix(ForeignFile.magicBytes))) { throw SafetensorsError(kind.description) }
    let length = try Self.headerLength([UInt8](data.prefix(8)), fileBytes: data.count)
    let start = data.startIndex + 8
    let header = try SafetensorsHeader([UInt8](data[start..<start + length]))
    let values = data[(start + length)...]
    try header.checkRanges(of: values.count)
    var entries: [Weights.Entry] = []
    for tensor in header.tensors {
      let bytes = values[values.startIndex + tensor.range.lowerBound..<values.startIndex + tensor.range.upperBound]
      entries.append(
        .init(
          name: tensor.name, tensor: Tensor(tensor.shape, values: tensor.type.floats(bytes)),
          type: tensor.type.isOfWeights ? nil : tensor.type.rawValue))
    }
    self.init(Weights(entries), metadata: header.metadata)
  }
}

/// Why bytes are not a safetensors file.
package struct SafetensorsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
