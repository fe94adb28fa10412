/// One half of each example, cut across its first dimension: `[2 · height, width, channels]` → `[height, width, channels]`.
package struct Half: Operation {
  package let label = "half"
  package let isSecond: Bool

  package init(isSecond: Bool) { self.isSecond = isSecond }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    let dimensions = inputs[0].dimensions
    guard let first = dimensions.first, first.isMultiple(of: 2) else { throw GraphError("\(inputs[0]) has no halves") }
    return Shape([first / 2] + dimensions.dropFirst())
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let (examples, count, offset) = (lowering.batch, lowering.shape(node).count, isSecond ? lowering.shape(node).count : 0)
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in
      for example in 0..<examples {
        (memory[result] + example * count).update(from: memory[source] + 2 * example * count + offset, count: count)
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let result = lowering.makeBuffer(like: input)
    let (examples, count, isSecond) = (lowering.batch, lowering.shape(node).count, isSecond)
    lowering.emit("half to input", reads: [gradient], writes: [result]) { memory, _ in
      for example in 0..<examples {
        let halves = [memory[result] + 2 * example * count, memory[result] + (2 * example + 1) * count]
        halves[isSecond ? 1 : 0].update(from: memory[gradient] + example * count, count: count)
        halves[isSecond ? 0 : 1].update(repeating: 0, count: count)
      }
    }
    lowering.contribute(result, to: input)
  }
}
