/// The pixels of many images, one after the other, kept the way they came: a byte stays a byte until a batch asks for it.
package struct Pixels: Sendable {
  private enum Storage: Sendable {
    case bytes([UInt8], scaled: [Float])
    case floats([Float])
  }

  private let storage: Storage

  /// Bytes in `0...white`, read as `Float(byte) / white` (as torchvision's `ToTensor` does with 255).
  package init(bytes: [UInt8], white: UInt8 = 255) {
    storage = .bytes(bytes, scaled: (0...255).map { Float($0) / Float(white) })
  }

  /// Values in [0, 1] already.
  package init(floats: [Float]) { storage = .floats(floats) }

  package var count: Int {
    switch storage {
    case .bytes(let bytes, _): bytes.count
    case .floats(let floats): floats.count
    }
  }

  package var memoryBytes: Int {
    switch storage {
    case .bytes(let bytes, _): bytes.count
    case .floats(let floats): floats.count * MemoryLayout<Float>.stride
    }
  }

  /// Writes the values of `range` into memory that need not be initialised yet.
  func copy(_ range: Range<Int>, to target: UnsafeMutableBufferPointer<Float>) {
    guard let start = target.baseAddress, target.count >= range.count else {
      precondition(range.isEmpty, "\(range.count) values do not fit into \(target.count)")
      return
    }
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
    }
  }
}
