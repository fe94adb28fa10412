/// Centre and radius of the box around an image: every pixel within ε of its own, and within [0, 1].
struct InputBox: PairOperation {
  let label = "input box"
  /// Whether the box is made larger by what its own rounding may take off.
  let roundsOutwards: Bool

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let source = lowering.value(lowering.input(node))
    let (centre, radius) = (lowering.makeValue(node), lowering.makeSecondValue(node))
    let count = lowering.batch * lowering.shape(node).count
    // Sums of pixels of at most 2, each off by half a unit in the last place.
    let slack: Float = roundsOutwards ? 0x1p-21 : 0
    lowering.emit(label, reads: [source], writes: [centre, radius]) { memory, pass in
      guard let epsilon = pass.bounds?.epsilon else { preconditionFailure("bounds need a box: begin the pass with one") }
      let (source, centre, radius) = (memory[source], memory[centre], memory[radius])
      for i in 0..<count {
        let (low, high) = (max(source[i] - epsilon, 0), min(source[i] + epsilon, 1))
        centre[i] = 0.5 * (low + high)
        radius[i] = max(0.5 * (high - low), 0) + slack
      }
    }
  }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {}
}
