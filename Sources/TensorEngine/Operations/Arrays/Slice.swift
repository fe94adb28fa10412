/// Every `step`th element along a dimension, from `start` on; a step below 0 goes backwards.
package struct Slice: ElementMapOperation {
  package let label = "slice"
  package let axis, start, count, step: Int

  package init(axis: Int, start: Int, count: Int, step: Int = 1) {
    self.axis = axis
    self.start = start
    self.count = count
    self.step = step
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].dimensions.indices.contains(axis) else { throw GraphError("\(inputs[0]) has no dimension \(axis) to take a slice of") }
    let extent = inputs[0][axis]
    let (span, isTooLarge) = max(count - 1, 0).multipliedReportingOverflow(by: step)
    guard count > 0, step != 0, (0..<extent).contains(start), !isTooLarge, (-extent...extent).contains(span),
      (0..<extent).contains(start + span)
    else {
      throw GraphError("a slice of \(count) from \(start) in steps of \(step) does not lie within the \(extent) of \(inputs[0])")
    }
    var dimensions = inputs[0].dimensions
    dimensions[axis] = count
    return Shape(dimensions)
  }

  func map(_ input: Shape, _ output: Shape) -> ElementMap {
    var strides = input.strides
    let offset = start * strides[axis]
    strides[axis] *= step
    return ElementMap(
      output.dimensions, from: .init(offset: offset, strides: strides, count: input.count),
      to: .init(offset: 0, strides: output.strides, count: output.count))
  }
}
