/// Several values one after the other along a dimension.
package struct Concatenate: Operation {
  package let label = "concat"
  package let axis: Int

  package init(axis: Int) { self.axis = axis }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard let first = inputs.first, first.dimensions.indices.contains(axis) else {
      throw GraphError("a concatenation along dimension \(axis) needs values that have it")
    }
    func rest(_ shape: Shape) -> [Int] { shape.dimensions.enumerated().map { $0.offset == axis ? 0 : $0.element } }
    guard inputs.allSatisfy({ rest($0) == rest(first) }) else {
      throw GraphError("\(inputs.map(\.description).joined(separator: " and ")) differ elsewhere than along dimension \(axis)")
    }
    var dimensions = first.dimensions
    dimensions[axis] = inputs.reduce(0) { $0 + $1[axis] }
    return Shape(dimensions)
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let inputs = lowering.graph[node].inputs
    let (sources, result) = (inputs.map { lowering.value($0) }, lowering.makeValue(node))
    let copies = pieces(of: lowering.shape(node), inputs.map { lowering.shape($0) })
    let (output, examples) = (lowering.shape(node).count, lowering.batch)
    lowering.emit(label, reads: sources, writes: [result]) { memory, _ in
      for (source, copy) in zip(sources, copies) {
        for example in 0..<examples {
          let (from, to) = (memory[source] + example * copy.rows * copy.count, memory[result] + example * output + copy.offset)
          for row in 0..<copy.rows { (to + row * copy.pitch).update(from: from + row * copy.count, count: copy.count) }
        }
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    let inputs = lowering.graph[node].inputs
    let (output, examples) = (lowering.shape(node).count, lowering.batch)
    for (input, copy) in zip(inputs, pieces(of: lowering.shape(node), inputs.map { lowering.shape($0) }))
    where lowering.requiresGradient(input) {
      let result = lowering.makeBuffer(like: input)
      lowering.emit(label + " to input", reads: [gradient], writes: [result]) { memory, _ in
        for example in 0..<examples {
          let (from, to) = (memory[gradient] + example * output + copy.offset, memory[result] + example * copy.rows * copy.count)
          for row in 0..<copy.rows { (to + row * copy.count).update(from: from + row * copy.pitch, count: copy.count) }
        }
      }
      lowering.contribute(result, to: input)
    }
  }

  /// Where an input lies in the output: `rows` runs of `count` values, `pitch` values from one to the next.
  private struct Piece {
    let offset, rows, count, pitch: Int
  }

  private func pieces(of output: Shape, _ inputs: [Shape]) -> [Piece] {
    let rows = output.dimensions[..<axis].reduce(1, *)
    let pitch = output.count / max(rows, 1)
    var offset = 0
    return inputs.map { input in
      defer { offset += input.count / max(rows, 1) }
      return Piece(offset: offset, rows: rows, count: input.count / max(rows, 1), pitch: pitch)
    }
  }
}
