import Foundation

/// The discrete cosine transform of blocks of 8×8 (ITU-T T.81, A.3.3): a product with an orthonormal matrix from both sides, whose inverse
/// is that with its transpose.
struct CosineTransform: Sendable {
  static let size = 8
  /// `[frequency, place]`
  private let basis: [Float]
  private let transposed: [Float]

  init() {
    let size = Self.size
    func value(_ frequency: Int, _ place: Int) -> Float {
      let scale = frequency == 0 ? 1 / 8.0.squareRoot() : 0.5
      return Float(scale * cos(Double((2 * place + 1) * frequency) * Double.pi / 16))
    }
    basis = (0..<size * size).map { value($0 / size, $0 % size) }
    transposed = (0..<size * size).map { value($0 % size, $0 / size) }
  }

  /// In place. `scratch` is a further block.
  func forward(_ block: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
    multiply(basis, block, transposed, scratch)
  }

  func inverse(_ block: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>) {
    multiply(transposed, block, basis, scratch)
  }

  private func multiply(
    _ left: [Float], _ block: UnsafeMutablePointer<Float>, _ right: [Float], _ scratch: UnsafeMutablePointer<Float>
  ) {
    left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return }
        Self.product(left, block, to: scratch)
        Self.product(scratch, right, to: block)
      }
    }
  }

  private static func product(_ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>) {
    for row in 0..<size {
      var sum = SIMD8<Float>(repeating: 0)
      for depth in 0..<size {
        sum += left[row * size + depth] * UnsafeRawPointer(right + depth * size).loadUnaligned(as: SIMD8<Float>.self)
      }
      UnsafeMutableRawPointer(result + row * size).storeBytes(of: sum, as: SIMD8<Float>.self)
    }
  }
}
