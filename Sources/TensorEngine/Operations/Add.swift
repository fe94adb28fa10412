import CKernels

/// The sum of two values of one shape, such as a residual branch and its shortcut.
package struct Add: Operation {
  package let label = "add"
  package init() {}

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs.count == 2, inputs[0] == inputs[1] else {
      throw GraphError("a residual sum needs two values of one shape, not \(inputs.map(\.description).joined(separator: " and "))")
    }
    return inputs[0]
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    // The layer before it has added the other term; see `Lowering.sum(after:)`.
    guard !lowering.isFused(node) else { return lowering.passThrough(node) }
    let (left, right) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let result = lowering.makeValue(node)
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label, reads: [left, right], writes: [result]) { memory, _ in
      kernels.add(memory[left], memory[right], memory[result], Int64(count))
    }
  }

  /// Both terms have the gradient of the sum.
  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    for index in 0..<2 {
      let input = lowering.input(node, index)
      if lowering.requiresGradient(input) { lowering.contribute(gradient, to: input) }
    }
  }
}
