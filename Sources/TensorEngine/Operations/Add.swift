/// The sum of two values of one shape: where a residual branch meets its shortcut.
package struct Add: Operation {
  package let label = "add"
  package init() {}

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs.count == 2, inputs[0] == inputs[1] else {
      throw GraphError("a residual sum needs two values of one shape, not \(inputs.map(\.description).joined(separator: " and "))")
    }
    return inputs[0]
  }
}
