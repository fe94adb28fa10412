/// In training, sets each value to zero with probability `rate` and divides the rest by 1 − rate (Srivastava et al. 2014, in the
/// inverted form of PyTorch); otherwise hands its input through.
package struct Dropout: Operation {
  package let label = "dropout"
  package let rate: Float
  /// Whose random numbers it draws, where these are another node's.
  private let twin: Graph.NodeID?

  package init(rate: Float) { self.init(rate: rate, drawingAs: nil) }

  private init(rate: Float, drawingAs twin: Graph.NodeID?) {
    self.rate = rate
    self.twin = twin
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard rate >= 0, rate < 1 else { throw GraphError("dropout needs a rate in [0, 1), not \(rate)") }
    return inputs[0]
  }

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .smooth(Dropout(rate: rate, drawingAs: node)) }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard lowering.purpose.contains(.dropout), rate > 0 else { return lowering.passThrough(node) }
    let source = lowering.value(lowering.input(node))
    let mask = lowering.makeBuffer(like: node)
    lowering.save(mask, of: node)
    let result = lowering.makeValue(node)
    let count = lowering.shape(node).count
    let all = lowering.batch * count
    let (rate, scale) = (rate, 1 / (1 - rate))
    let drawn = twin ?? node
    lowering.emit(label, reads: [source], writes: [mask, result]) { memory, pass in
      let (source, mask, target) = (memory[source], memory[mask], memory[result])
      guard let key = pass.draws else { preconditionFailure("a training program with dropout needs a key of its draws") }
      let round = drawn.index + (key.draw << 16)
      for (row, example) in key.examples.enumerated() {
        var random = RandomStream(seed: key.seed, purpose: .dropout, epoch: key.epoch, example: example, round: round)
        for i in row * count..<(row + 1) * count { mask[i] = random.uniform() < rate ? 0 : scale }
      }
      for i in 0..<all { target[i] = source[i] * mask[i] }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    guard let mask = lowering.saved(of: node) else { return lowering.contribute(gradient, to: input) }
    let count = lowering.batch * lowering.shape(node).count
    let result = lowering.makeBuffer(like: input)
    lowering.emit("dropout to input", reads: [gradient, mask], writes: [result]) { memory, _ in
      let (gradient, mask, result) = (memory[gradient], memory[mask], memory[result])
      for i in 0..<count { result[i] = gradient[i] * mask[i] }
    }
    lowering.contribute(result, to: input)
  }
}
