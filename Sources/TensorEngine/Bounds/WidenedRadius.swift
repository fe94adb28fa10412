/// r + share · (|c| + r): a radius with room for rounding. For certificates, which no gradient passes.
struct WidenedRadius: Operation {
  let label = "widened radius"
  let share: Float

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[1] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let result = lowering.makeValue(node)
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label, reads: [centre, radius], writes: [result]) { [share] memory, _ in
      let (centre, radius, result) = (memory[centre], memory[radius], memory[result])
      for i in 0..<count { result[i] = radius[i] + share * (abs(centre[i]) + radius[i]) }
    }
  }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) { preconditionFailure("bounds for certificates have no gradients") }
}
