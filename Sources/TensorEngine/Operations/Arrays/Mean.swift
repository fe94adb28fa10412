/// The mean over some dimensions, which stay with an extent of 1.
package struct Mean: ElementMapOperation {
  package let label = "mean"
  package let axes: [Int]

  package init(over axes: [Int]) { self.axes = axes.sorted() }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard !axes.isEmpty, Set(axes).count == axes.count, axes.allSatisfy(inputs[0].dimensions.indices.contains) else {
      throw GraphError("\(axes) are not dimensions of \(inputs[0]) to take a mean over")
    }
    return Shape(inputs[0].dimensions.indices.map { axes.contains($0) ? 1 : inputs[0][$0] })
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { inputs[0].count }

  func map(_ input: Shape, _ output: Shape) -> ElementMap {
    ElementMap(
      input.dimensions, from: .init(offset: 0, strides: input.strides, count: input.count),
      to: .init(offset: 0, strides: output.strides(repeatedTo: input), count: output.count), fill: 0,
      scale: Float(output.count) / Float(max(input.count, 1)))
  }
}
