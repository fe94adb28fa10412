/// An operation of a network: the shape of its output, how its value is computed and how a gradient passes back through it.
///
/// A new operation is one file with a type that conforms to this, and a row in the table of `OperationTests`.
package protocol Operation: Sendable, Hashable {
  /// Its name in profiles and errors.
  var label: String { get }

  /// The shape of the output for one example.
  func outputShape(of inputs: [Shape]) throws -> Shape

  /// The weight tensors it reads.
  var parameters: [ParameterID] { get }

  /// Multiplications and additions, each counted once, for one example forward.
  func floatingPointOperations(inputs: [Shape], output: Shape) -> Int

  /// Whether its output is random when the network is evaluated, not in training alone.
  var isRandomised: Bool { get }

  /// How it is followed where its branches are frozen, as the operation of `node`.
  func frozen(_ node: Graph.NodeID) -> FrozenOperation

  /// Adds what bounds its output by bounds of its inputs. By default it has none, and a network with it cannot be bounded.
  func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes

  /// Emits the instructions that compute the output of `node`.
  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws

  /// Emits the instructions that take the gradient at the output of `node` to its inputs and weights, where these require one.
  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws
}

extension Operation {
  package var isRandomised: Bool { false }
  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .smooth(self) }
  package var parameters: [ParameterID] { [] }
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 0 }
}
