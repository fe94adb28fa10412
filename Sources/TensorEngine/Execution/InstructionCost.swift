/// The operation that an instruction belongs to, and how much it computes.
struct InstructionCost: Sendable {
  let node: Graph.NodeID
  /// Multiplications and additions of one shard, each counted once.
  let floatingPointOperations: Int

  /// All of an operation's cost goes to its instruction with the operation's label, or to its first where none has that label.
  static func forward(_ instructions: ArraySlice<Lowering.Instruction>, of node: Graph.NodeID, _ graph: Graph) -> [InstructionCost] {
    distribute(instructions, of: node, [(graph[node].operation.label, operations(of: node, graph))])
  }

  /// The gradient of the input and that of the weights each cost as much as the value.
  static func backward(
    _ instructions: ArraySlice<Lowering.Instruction>, of node: Graph.NodeID, _ graph: Graph, _ lowering: Lowering
  ) -> [InstructionCost] {
    let operation = graph[node].operation
    var parts: [(String, Int)] = []
    if graph[node].inputs.contains(where: lowering.requiresGradient) {
      parts.append((operation.label + " to input", operations(of: node, graph)))
    }
    if lowering.requiresWeightGradients && !operation.parameters.isEmpty {
      parts.append((operation.label + " to weights", operations(of: node, graph)))
    }
    return distribute(instructions, of: node, parts)
  }

  private static func operations(of node: Graph.NodeID, _ graph: Graph) -> Int {
    graph.sharding.size * graph.floatingPointOperations(of: node)
  }

  private static func distribute(
    _ instructions: ArraySlice<Lowering.Instruction>, of node: Graph.NodeID, _ parts: [(label: String, operations: Int)]
  ) -> [InstructionCost] {
    var counts = [Int](repeating: 0, count: instructions.count)
    for part in parts where !instructions.isEmpty {
      let position = instructions.firstIndex { $0.label == part.label } ?? instructions.startIndex
      counts[position - instructions.startIndex] += part.operations
    }
    return counts.map { InstructionCost(node: node, floatingPointOperations: $0) }
  }
}
