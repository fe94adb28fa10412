/// The product of two values as matrices, `[…, m, k]` and `[…, k, n]` → `[…, m, n]`, for each position of the dimensions before.
package struct MatrixProduct: Operation {
  package let label = "matmul"
  package init() {}

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs.count == 2, inputs[0].rank >= 2, inputs[0].rank == inputs[1].rank,
      inputs[0].dimensions.dropLast(2) == inputs[1].dimensions.dropLast(2),
      inputs[0].dimensions.last == inputs[1].dimensions.dropLast().last
    else {
      throw GraphError("a product of matrices needs […, m, k] and […, k, n], not \(inputs.map(\.description).joined(separator: " and "))")
    }
    return Shape(inputs[0].dimensions.dropLast() + inputs[1].dimensions.suffix(1))
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 2 * output.count * (inputs[0].dimensions.last ?? 0) }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (left, right) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (result, size) = (lowering.makeValue(node), size(node, lowering))
    emit(label, left, (size.k, 1), right, (size.n, 1), to: result, (size.count, size.m, size.k, size.n), &lowering)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    let (left, right) = (lowering.input(node, 0), lowering.input(node, 1))
    let size = size(node, lowering)
    if lowering.requiresGradient(left) {
      // [m, n] times the transpose of [k, n].
      let result = lowering.makeBuffer(like: left)
      emit(
        label + " to input", gradient, (size.n, 1), lowering.value(right), (1, size.n), to: result, (size.count, size.m, size.n, size.k),
        &lowering)
      lowering.contribute(result, to: left)
    }
    if lowering.requiresGradient(right) {
      // The transpose of [m, k] times [m, n].
      let result = lowering.makeBuffer(like: right)
      emit(
        label + " to input", lowering.value(left), (1, size.k), gradient, (size.n, 1), to: result, (size.count, size.k, size.m, size.n),
        &lowering)
      lowering.contribute(result, to: right)
    }
  }

  private func size(_ node: Graph.NodeID, _ lowering: Lowering) -> (count: Int, m: Int, k: Int, n: Int) {
    let (left, output) = (lowering.shape(lowering.input(node, 0)), lowering.shape(node))
    let (m, k, n) = (left[left.rank - 2], left[left.rank - 1], output[output.rank - 1])
    return (lowering.batch * output.count / max(m * n, 1), m, k, n)
  }

  /// `count` products of `[rows, depth]` and `[depth, columns]`; strides from one row, and from one column, to the next.
  private func emit(
    _ label: String, _ left: Lowering.BufferID, _ leftStrides: (row: Int, column: Int), _ right: Lowering.BufferID,
    _ rightStrides: (row: Int, column: Int), to result: Lowering.BufferID, _ size: (count: Int, rows: Int, depth: Int, columns: Int),
    _ lowering: inout Lowering
  ) {
    lowering.emit(label, reads: left == right ? [left] : [left, right], writes: [result]) { memory, _ in
      for matrix in 0..<size.count {
        let a = memory[left] + matrix * size.rows * size.depth
        let b = memory[right] + matrix * size.depth * size.columns
        let c = memory[result] + matrix * size.rows * size.columns
        for row in 0..<size.rows {
          let line = c + row * size.columns
          line.update(repeating: 0, count: size.columns)
          for k in 0..<size.depth {
            let (factor, from) = (a[row * leftStrides.row + k * leftStrides.column], b + k * rightStrides.row)
            if rightStrides.column == 1 {
              for column in 0..<size.columns { line[column] += factor * from[column] }
            } else {
              for column in 0..<size.columns { line[column] += factor * from[column * rightStrides.column] }
            }
          }
        }
      }
    }
  }
}
