import Files
import Foundation
import TensorEngine

/// The name and shape of a tensor in a weight file.
package struct TensorOutline: Hashable, Sendable {
  package let name: String
  package let shape: Shape
  /// Of a tensor that can be no weight, the type of its elements as the file names it.
  package let type: String?

  package init(name: String, shape: Shape, type: String? = nil) {
    self.name = name
    self.shape = shape
    self.type = type
  }
}

extension Safetensors {
  /// The tensors of a file, read from its header alone.
  ///
  /// - Throws: `SafetensorsError` as `init(_:)`; `StorageError` when the file cannot be read.
  package static func outline(of file: OpenFile) throws -> [TensorOutline] {
    let (header, length) = try header(of: file)
    try header.checkRanges(of: file.size - 8 - length)
    return header.tensors.map {
      TensorOutline(name: $0.name, shape: $0.shape, type: $0.type.isOfWeights ? nil : $0.type.rawValue)
    }
  }

  /// The `__metadata__` of a file's header. Throws as `outline(of:)`.
  package static func metadata(of file: OpenFile) throws -> [String: String] { try header(of: file).header.metadata }

  /// Checks that every number of a file's weights is finite, piece by piece.
  ///
  /// - Throws: `SafetensorsError` with the name of the first tensor that holds another; `StorageError`.
  package static func requireFinite(_ file: OpenFile) throws {
    let (header, length) = try header(of: file)
    for tensor in header.tensors where tensor.type.isOfWeights && tensor.type != .i64 {
      for start in stride(from: tensor.range.lowerBound, to: tensor.range.upperBound, by: 1 << 20) {
        let piece = try bytes(of: file, at: 8 + length + start, count: min(1 << 20, tensor.range.upperBound - start))
        guard let place = tensor.type.floats(Data(piece)).firstIndex(where: { !$0.isFinite }) else { continue }
        let index = (start - tensor.range.lowerBound) / tensor.type.bytes + place
        throw SafetensorsError(
          "the tensor \(tensor.name) holds a value that is not finite, the first at \(index): the training that made it has diverged")
      }
    }
  }

  private static func header(of file: OpenFile) throws -> (header: SafetensorsHeader, length: Int) {
    if let kind = ForeignFile(try bytes(of: file, at: 0, count: ForeignFile.magicBytes)) { throw SafetensorsError(kind.description) }
    let length = try headerLength(bytes(of: file, at: 0, count: 8), fileBytes: file.size)
    return (try SafetensorsHeader(bytes(of: file, at: 8, count: length)), length)
  }

  private static func bytes(of file: OpenFile, at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
    }
  }

  /// The length of the header, from the file's first 8 bytes.
  static func headerLength(_ prefix: [UInt8], fileBytes: Int) throws(SafetensorsError) -> Int {
    guard prefix.count == 8 else { throw SafetensorsError("the file ends within its first 8 bytes, the length of the header") }
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= longestHeader else {
      throw SafetensorsError("a header of \(length) bytes is more than \(longestHeader): this is not a safetensors file")
    }
    guard Int(length) <= fileBytes - 8 else {
      throw SafetensorsError("the header should have \(length) bytes, but only \(fileBytes - 8) follow: the file is truncated")
    }
    return Int(length)
  }
}
