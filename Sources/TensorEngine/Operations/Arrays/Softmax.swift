import Foundation

/// exp(xᵢ) / Σ exp(xⱼ) over the last dimension.
package struct Softmax: Operation {
  package let label = "softmax"
  package init() {}

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank > 0 else { throw GraphError("a softmax needs a dimension to sum over") }
    return inputs[0]
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 3 * output.count }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let (rows, columns) = extent(node, lowering)
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in
      for row in 0..<rows {
        let (from, to) = (memory[source] + row * columns, memory[result] + row * columns)
        var (top, sum) = (from[0], Float(0))
        for i in 1..<max(columns, 1) { top = max(top, from[i]) }
        for i in 0..<columns {
          to[i] = exp(from[i] - top)
          sum += to[i]
        }
        for i in 0..<columns { to[i] /= sum }
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let (value, result) = (lowering.value(node), lowering.makeBuffer(like: input))
    let (rows, columns) = extent(node, lowering)
    lowering.emit(label + " to input", reads: [gradient, value], writes: [result]) { memory, _ in
      for row in 0..<rows {
        let (slope, share) = (memory[gradient] + row * columns, memory[value] + row * columns)
        let to = memory[result] + row * columns
        var mean = Float(0)
        for i in 0..<columns { mean += slope[i] * share[i] }
        for i in 0..<columns { to[i] = share[i] * (slope[i] - mean) }
      }
    }
    lowering.contribute(result, to: input)
  }

  private func extent(_ node: Graph.NodeID, _ lowering: Lowering) -> (rows: Int, columns: Int) {
    let shape = lowering.shape(node)
    let columns = shape[shape.rank - 1]
    return (lowering.batch * shape.count / max(columns, 1), columns)
  }
}
