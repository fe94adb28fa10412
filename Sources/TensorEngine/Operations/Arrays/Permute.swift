/// The dimensions of each example in another order, as PyTorch's `permute`.
package struct Permute: ElementMapOperation {
  package let label = "permute"
  /// For each dimension of the output, that of the input.
  package let order: [Int]

  package init(_ order: [Int]) { self.order = order }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard order.sorted() == Array(0..<inputs[0].rank) else {
      throw GraphError("an order of \(order) does not name each dimension of \(inputs[0]) once")
    }
    return Shape(order.map { inputs[0][$0] })
  }

  func map(_ input: Shape, _ output: Shape) -> ElementMap {
    let strides = input.strides
    return ElementMap(
      output.dimensions, from: .init(offset: 0, strides: order.map { strides[$0] }, count: input.count),
      to: .init(offset: 0, strides: output.strides, count: output.count))
  }
}
