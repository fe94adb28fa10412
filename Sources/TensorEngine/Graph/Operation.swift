/// A row of the table of operations: the shape of its output, how its value is computed and how a gradient passes back through it.
///
/// To add an operation is to add one file that conforms to this, and its row in the gradient tests.
package protocol Operation: Sendable, Hashable {
  /// What the profile and the errors call it.
  var label: String { get }

  /// The shape of the output for one example.
  func outputShape(of inputs: [Shape]) throws -> Shape

  /// The weight tensors it reads.
  var parameters: [ParameterID] { get }

  /// Multiplications and additions, each counted once, for one example forward.
  func floatingPointOperations(inputs: [Shape], output: Shape) -> Int

  /// Emits the instructions that compute the output of `node`.
  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws

  /// Emits the instructions that take the gradient at the output of `node` to its inputs and weights, as far as they are required.
  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws
}

extension Operation {
  package var parameters: [ParameterID] { [] }
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 0 }
}
