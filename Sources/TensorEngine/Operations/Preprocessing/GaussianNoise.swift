/// Adds normal noise to each pixel, and brings the sum back into [0, 1], whenever the network is used: a defence by randomness (Xie et al.
/// 2018, arXiv:1711.01991, have others), and what randomised smoothing is made of (Cohen et al. 2019, arXiv:1902.02918).
///
/// The noise of an example is fixed by the key of the pass alone (`DrawKey`). The gradient is the true one for that noise: it passes where
/// the sum is inside the range.
package struct GaussianNoise: Operation {
  package let label = "noise"
  /// In pixels of [0, 1].
  package let deviation: Float

  package init(deviation: Float) { self.deviation = deviation }

  package var isRandomised: Bool { true }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard deviation > 0, deviation.isFinite else { throw GraphError("noise needs a finite deviation above 0, not \(deviation)") }
    return inputs[0]
  }

  /// Of a normal number about twenty, with its part of the generator.
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 24 * output.count }

  private static let range: ClosedRange<Float> = 0...1

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .unknown }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let (examples, count) = (lowering.batch, lowering.shape(node).count)
    lowering.emit(label, reads: [source], writes: [result]) { [deviation] memory, pass in
      guard let key = pass.draws, key.examples.count == pass.batch else {
        preconditionFailure("a network with noise needs a key that names the example of each image")
      }
      let first = pass.microBatch * examples
      let real = max(0, min(examples, pass.batch - first))
      for row in 0..<real {
        let (image, noisy) = (memory[source] + row * count, memory[result] + row * count)
        var random = key.stream(.preprocessing, row: first + row, node: node)
        for (i, normal) in random.normals(count: count).enumerated() {
          noisy[i] = min(max(image[i] + deviation * normal, Self.range.lowerBound), Self.range.upperBound)
        }
      }
      (memory[result] + real * count).update(repeating: 0, count: (examples - real) * count)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let result = lowering.makeBuffer(like: input)
    let clamped = Epilogue.Clamped(value: lowering.value(node), range: Self.range)
    lowering.emitMask(label + " to input", gradient, by: clamped, like: node, to: result)
    lowering.contribute(result, to: input)
  }
}
