/// The images, as they come.
package struct Input: Operation {
  package let label = "input"
  package func outputShape(of inputs: [Shape]) throws -> Shape { throw GraphError("a graph has one input, made with it") }
  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {}
  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {}
}
