/// The first token, that of the whole image: `[tokens, width]` → `[width]`.
package struct FirstToken: Operation {
  package let label = "first_token"
  package init() {}

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank == 2 else { throw GraphError("the first token is taken of tokens [tokens, features], not of \(inputs[0])") }
    return [inputs[0][1]]
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (examples, width) = (lowering.batch, lowering.shape(node).count)
    let count = lowering.shape(lowering.input(node)).count
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in
      let (tokens, first) = (memory[source], memory[result])
      for example in 0..<examples { (first + example * width).update(from: tokens + example * count, count: width) }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let (examples, width, count) = (lowering.batch, lowering.shape(node).count, lowering.shape(input).count)
    let result = lowering.makeBuffer(like: input)
    lowering.emit(label + " to input", reads: [gradient], writes: [result]) { memory, _ in
      let (first, tokens) = (memory[gradient], memory[result])
      tokens.update(repeating: 0, count: examples * count)
      for example in 0..<examples { (tokens + example * count).update(from: first + example * width, count: width) }
    }
    lowering.contribute(result, to: input)
  }
}
