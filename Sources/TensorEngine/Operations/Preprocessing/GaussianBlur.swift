import Foundation

/// Weighs the neighbours of each pixel by a normal distribution, each channel by itself, as scipy.ndimage.gaussian_filter.
///
/// The mirrored border makes it a symmetric linear map, so that it is its own adjoint: the gradient is blurred as the image was.
package struct GaussianBlur: Operation {
  package let label = "gaussian_blur"
  /// In pixels.
  package let deviation: Double
  /// Rows and columns of the window, odd.
  package let size: Int

  /// - Parameter size: by default the window reaches over four deviations.
  package init(deviation: Double, size: Int? = nil) {
    self.deviation = deviation
    self.size = size ?? 2 * Int(4 * deviation + 0.5) + 1
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    try requireImage(inputs[0])
    guard deviation > 0, deviation.isFinite else { throw GraphError("a blur needs a finite deviation above 0, not \(deviation)") }
    guard size > 0, size % 2 == 1 else { throw GraphError("a blur needs a window of odd size, not \(size)") }
    return inputs[0]
  }

  /// A product and a sum for each weight, down and across.
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 4 * size * output.count }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    emit(label, lowering.value(lowering.input(node)), to: lowering.makeValue(node), at: node, &lowering)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let result = lowering.makeBuffer(like: input)
    emit(label + " to input", gradient, to: result, at: node, &lowering)
    lowering.contribute(result, to: input)
  }

  private func emit(
    _ label: String, _ source: Lowering.BufferID, to result: Lowering.BufferID, at node: Graph.NodeID, _ lowering: inout Lowering
  ) {
    let blur = SeparableFilter(lowering.shape(node), weights: weights)
    let scratch = lowering.makeBuffer(bytes: blur.scratchCount * MemoryLayout<Float>.size)
    let examples = lowering.batch
    lowering.emit(label, reads: [source], writes: [result, scratch]) { memory, _ in
      for example in 0..<examples {
        blur(memory[source] + example * blur.count, to: memory[result] + example * blur.count, scratch: memory[scratch])
      }
    }
  }

  /// Of the window, down and across.
  package var weights: [Float] {
    let radius = size / 2
    let densities = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (deviation * deviation)) }
    let sum = densities.reduce(0, +)
    return densities.map { Float($0 / sum) }
  }
}

/// Weighted sums down the columns and then across the rows of an image with a mirrored border.
private struct SeparableFilter: Sendable {
  private let border: ReflectedBorder
  private let weights: [Float]
  private let height, rowCount: Int

  init(_ image: Shape, weights: [Float]) {
    border = ReflectedBorder(image, radius: weights.count / 2)
    self.weights = weights
    height = image[0]
    rowCount = image[1] * image[2]
  }

  /// The floats of an image.
  var count: Int { height * rowCount }
  /// A row after the columns were summed, and the same with its border.
  var scratchCount: Int { rowCount + border.rowCount }

  func callAsFunction(
    _ image: UnsafeMutablePointer<Float>, to result: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let (line, wide) = (scratch, scratch + rowCount)
    for row in 0..<height {
      line.update(repeating: 0, count: rowCount)
      for (tap, weight) in weights.enumerated() {
        let other = image + border.rows[row + tap] * rowCount
        for i in 0..<rowCount { line[i] += weight * other[i] }
      }
      border.fill(wide, from: line)
      let target = result + row * rowCount
      target.update(repeating: 0, count: rowCount)
      for (tap, weight) in weights.enumerated() {
        let shifted = wide + tap * border.channels
        for i in 0..<rowCount { target[i] += weight * shifted[i] }
      }
    }
  }
}
