import Files

/// The pixels of many images, one after the other, in their original type. Bytes become floats only when a batch is read.
package struct Pixels: Sendable {
  private enum Storage: Sendable {
    case bytes([UInt8], scaled: [Float])
    case floats([Float])
    case file(StoredPixels)
    indirect case joined(Pixels, Pixels)
  }

  private let storage: Storage

  /// Bytes in `0...white`, read as `Float(byte) / white` (as torchvision's `ToTensor` does with 255).
  package init(bytes: [UInt8], white: UInt8 = 255) { storage = .bytes(bytes, scaled: Self.scaled(white)) }

  /// Values that are in [0, 1] already.
  package init(floats: [Float]) { storage = .floats(floats) }

  /// An array that stays in its packed file.
  init(_ array: PackedArray, of file: OpenFile) {
    storage = .file(StoredPixels(file: file, array: array, scaled: Self.scaled(255)))
  }

  /// Those of the first and then those of the second, which stay where they are.
  init(_ first: Pixels, _ second: Pixels) { storage = .joined(first, second) }

  /// The value of each byte.
  private static func scaled(_ white: UInt8) -> [Float] { (0...255).map { Float($0) / Float(white) } }

  package var count: Int {
    switch storage {
    case .bytes(let bytes, _): bytes.count
    case .floats(let floats): floats.count
    case .file(let stored): stored.array.count
    case .joined(let first, let second): first.count + second.count
    }
  }

  /// The memory that the pixels take; 0 when they are in a file.
  package var memoryBytes: Int {
    switch storage {
    case .bytes(let bytes, _): bytes.count
    case .floats(let floats): floats.count * MemoryLayout<Float>.stride
    case .file: 0
    case .joined(let first, let second): first.memoryBytes + second.memoryBytes
    }
  }

  /// Writes the values of `range` into `target`, which has the same length and need not be initialised.
  ///
  /// - Throws: `StorageError` when they lie in a file that cannot be read.
  func copy(_ range: Range<Int>, to target: UnsafeMutableBufferPointer<Float>) throws(StorageError) {
    precondition(target.count == range.count, "\(range.count) values are not \(target.count)")
    guard let start = target.baseAddress else { return }
    switch storage {
    case .bytes(let bytes, let scaled):
      bytes.withUnsafeBufferPointer { source in
        scaled.withUnsafeBufferPointer { table in
          let source = UnsafeBufferPointer(rebasing: source[range])
          for index in source.indices { (start + index).initialize(to: table[Int(source[index])]) }
        }
      }
    case .floats(let floats):
      floats.withUnsafeBufferPointer { source in
        _ = target.initialize(fromContentsOf: source[range])
      }
    case .file(let stored): try stored.copy(range, to: UnsafeMutableRawBufferPointer(target))
    case .joined(let first, let second):
      let own = range.clamped(to: 0..<first.count)
      let others = range.clamped(to: first.count..<count)
      try first.copy(own, to: UnsafeMutableBufferPointer(rebasing: target[..<own.count]))
      try second.copy(
        others.lowerBound - first.count..<others.upperBound - first.count, to: UnsafeMutableBufferPointer(rebasing: target[own.count...]))
    }
  }
}

/// Pixels in a packed file, read for each batch.
///
/// The file is read and not mapped into memory. If a mapped file is cut or lies on a bad sector, the process gets a SIGBUS and all its
/// jobs end. A read gives an error, and only that job fails. The system caches the file in both cases.
private struct StoredPixels: Sendable {
  let file: OpenFile
  let array: PackedArray
  /// The value of each byte, when the pixels are bytes.
  let scaled: [Float]

  func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) throws(StorageError) {
    let width = array.kind.bytes
    // Bytes are read into the last quarter of the floats' own memory, so no other buffer is needed.
    let source = UnsafeMutableRawBufferPointer(rebasing: target[(target.count - range.count * width)...])
    try file.fill(source, at: array.offset + range.lowerBound * width)
    if array.kind == .uint8 { widen(source, to: target) }
  }

  /// Converts from front to back. Float `i` of `n` overwrites the bytes `4i..<4i + 4`; the next byte to read lies at `3n + i + 1`, which
  /// is never below `4i + 4`.
  private func widen(_ source: UnsafeMutableRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
    scaled.withUnsafeBufferPointer { table in
      for index in source.indices {
        target.storeBytes(of: table[Int(source[index])], toByteOffset: index * MemoryLayout<Float>.size, as: Float.self)
      }
    }
  }
}
