/// The mean over all pixels of each channel, `[height, width, channels]` → `[channels]`.
package struct GlobalAveragePool: Operation {
  package let label = "global_avg_pool"
  package init() {}

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank == 3 else { throw GraphError("a global average needs an image [height, width, channels], not \(inputs[0])") }
    return [inputs[0][2]]
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let rows = Rows(lowering.shape(lowering.input(node)), lowering.batch)
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in rows.means(of: memory[source], to: memory[result]) }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let rows = Rows(lowering.shape(input), lowering.batch)
    let result = lowering.makeBuffer(like: input)
    lowering.emit(label + " to input", reads: [gradient], writes: [result]) { memory, _ in rows.spread(memory[gradient], to: memory[result])
    }
    lowering.contribute(result, to: input)
  }
}
