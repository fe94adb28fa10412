/// Repeats each example along the dimensions that it has once, or lacks in front, as PyTorch's `expand`.
package struct Expand: ElementMapOperation {
  package let label = "expand"
  package let shape: Shape

  package init(to shape: Shape) { self.shape = shape }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard shape.isCountable, inputs[0].broadcast(with: shape) == shape else {
      throw GraphError("\(inputs[0]) cannot be repeated to \(shape)")
    }
    return shape
  }

  func map(_ input: Shape, _ output: Shape) -> ElementMap {
    ElementMap(
      output.dimensions, from: .init(offset: 0, strides: input.strides(repeatedTo: output), count: input.count),
      to: .init(offset: 0, strides: output.strides, count: output.count))
  }
}
