/// An operation with two results of one shape: its value is the first, and a `SecondResult` right after it hands the second on.
protocol PairOperation: Operation {}

/// The second result of the operation before it.
struct SecondResult: Operation {
  let label = "second result"

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) { lowering.handOnSecondValue(of: lowering.input(node), to: node) }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    lowering.secondGradients[lowering.input(node)] = gradient
  }
}

extension PairOperation {
  /// The gradients at both results; `nil` where one is not used.
  func gradients(at node: Graph.NodeID, _ lowering: inout Lowering) -> (first: Lowering.BufferID, second: Lowering.BufferID)? {
    guard let second = lowering.secondGradients[node], let first = lowering.summedGradient(at: node) else { return nil }
    return (first, second)
  }

  /// Hands the gradients of both inputs on.
  func contribute(_ first: Lowering.BufferID, _ second: Lowering.BufferID, at node: Graph.NodeID, _ lowering: inout Lowering) {
    for (index, gradient) in [first, second].enumerated() where lowering.requiresGradient(lowering.input(node, index)) {
      lowering.contribute(gradient, to: lowering.input(node, index))
    }
  }

  /// Whether a backward pass has to go on from here.
  func requiresGradient(before node: Graph.NodeID, _ lowering: Lowering) -> Bool {
    lowering.graph[node].inputs.contains { lowering.requiresGradient($0) }
  }
}
