/// The same elements in the same order under another shape.
package struct Reshape: Operation {
  package let label = "reshape"
  package let shape: Shape

  package init(to shape: Shape) { self.shape = shape }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard shape.isCountable, shape.count == inputs[0].count, shape.dimensions.allSatisfy({ $0 > 0 }) else {
      throw GraphError("\(inputs[0]) holds \(inputs[0].count) values and cannot take the shape \(shape)")
    }
    return shape
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) { lowering.passThrough(node) }
  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) { lowering.passGradientThrough(node) }
}
