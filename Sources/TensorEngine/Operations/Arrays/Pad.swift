/// A border of one value around each example.
package struct Pad: ElementMapOperation {
  package let label = "pad"
  /// The elements before and after, for each dimension.
  package let before, after: [Int]
  package let value: Float

  package init(before: [Int], after: [Int], value: Float = 0) {
    self.before = before
    self.after = after
    self.value = value
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard before.count == inputs[0].rank, after.count == inputs[0].rank, (before + after).allSatisfy({ (0...65_536).contains($0) }) else {
      throw GraphError("a border takes from 0 to 65536 elements at both ends of each dimension of \(inputs[0])")
    }
    let padded = Shape(inputs[0].dimensions.indices.map { before[$0] + inputs[0][$0] + after[$0] })
    guard padded.isCountable else { throw GraphError("\(padded) is too large") }
    return padded
  }

  func map(_ input: Shape, _ output: Shape) -> ElementMap {
    let strides = output.strides
    let offset = zip(before, strides).reduce(0) { $0 + $1.0 * $1.1 }
    return ElementMap(
      input.dimensions, from: .init(offset: 0, strides: input.strides, count: input.count),
      to: .init(offset: offset, strides: strides, count: output.count), fill: value)
  }
}
