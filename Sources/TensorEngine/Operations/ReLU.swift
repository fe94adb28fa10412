/// max(x, 0), element by element.
package struct ReLU: Operation {
  package let label = "relu"
  package init() {}
  package func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard !lowering.isFused(node) else { return lowering.passThrough(node) }
    let source = lowering.value(lowering.input(node))
    let count = Shard.size * lowering.shape(node).count
    lowering.emit(label, reads: [source], writes: [lowering.makeValue(node)]) { pointers, _ in
      for i in 0..<count { pointers[1][i] = max(pointers[0][i], 0) }
    }
  }

  /// The gradient passes where the output is above 0: at 0 it is 0, as in PyTorch.
  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.wantsGradient(input), let gradient = lowering.gradient(node) else { return }
    let count = Shard.size * lowering.shape(node).count
    let result = lowering.makeBuffer(like: input)
    lowering.emit("relu to input", reads: [gradient, lowering.value(node)], writes: [result]) { pointers, _ in
      let (gradient, output, result) = (pointers[0], pointers[1], pointers[2])
      for i in 0..<count { result[i] = output[i] > 0 ? gradient[i] : 0 }
    }
    lowering.contribute(result, to: input)
  }
}
