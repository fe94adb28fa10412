import TensorEngine

/// Square in L∞: every pixel at the edge of the ball, first in vertical stripes, then in windows of one sign a channel.
struct SquareStripes: SquareMoves {
  private let height: Int
  private let width: Int
  private let channels: Int
  private let epsilon: Float
  private var windowSide = 1
  var side: Int? { windowSide }

  init(_ shape: Shape, epsilon: Double) {
    (height, width, channels) = (shape[0], shape[1], shape[2])
    self.epsilon = Float(epsilon)
  }

  mutating func setShare(_ share: Double) {
    let whole = (share * Double(height * width)).squareRoot().rounded(.toNearestOrEven)
    windowSide = min(max(Int(whole), 1), height, width)
  }

  func start(_ image: UnsafeMutableBufferPointer<Float>, at clean: UnsafeBufferPointer<Float>, from stream: inout RandomStream) {
    let row = width * channels
    let shifts = (0..<row).map { _ in epsilon * stream.sign() }
    for index in image.indices { image[index] = boxed(clean[index] + shifts[index % row]) }
  }

  func change(
    _ image: UnsafeMutableBufferPointer<Float>, around clean: UnsafeBufferPointer<Float>, from stream: inout RandomStream
  ) -> Place {
    let side = windowSide
    let top = stream.index(below: height - side + 1)
    let left = stream.index(below: width - side + 1)
    for channel in 0..<channels {
      let shift = epsilon * stream.sign()
      for row in top..<top + side {
        for column in left..<left + side {
          let index = (row * width + column) * channels + channel
          // The authors add 2ε and clip to the ball, which from anywhere in it is its edge.
          image[index] = boxed(clean[index] + shift)
        }
      }
    }
    return Place(row: top, column: left)
  }

  private func boxed(_ value: Float) -> Float { min(max(value, Threat.box.lowerBound), Threat.box.upperBound) }
}
