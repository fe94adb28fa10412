/// What an instruction computes: of which operation, and how much of it.
struct InstructionWork: Sendable {
  let node: Graph.NodeID
  /// Multiplications and additions of one shard, each counted once.
  let floatingPointOperations: Int

  /// An operation's work is that of the instruction with its label; where none has it, of the first.
  static func forward(_ instructions: ArraySlice<Lowering.Instruction>, of node: Graph.NodeID, _ graph: Graph) -> [InstructionWork] {
    share(instructions, of: node, [(graph.nodes[node].operation.label, operations(of: node, graph))])
  }

  /// A gradient takes as much as the value: once to the input and once to the weights, as far as they are wanted.
  static func backward(
    _ instructions: ArraySlice<Lowering.Instruction>, of node: Graph.NodeID, _ graph: Graph, _ lowering: Lowering
  ) -> [InstructionWork] {
    let operation = graph.nodes[node].operation
    var parts: [(String, Int)] = []
    if graph.nodes[node].inputs.contains(where: lowering.wantsGradient) {
      parts.append((operation.label + " to input", operations(of: node, graph)))
    }
    if lowering.wantsWeightGradients && !operation.parameters.isEmpty {
      parts.append((operation.label + " to weights", operations(of: node, graph)))
    }
    return share(instructions, of: node, parts)
  }

  private static func operations(of node: Graph.NodeID, _ graph: Graph) -> Int {
    let node = graph.nodes[node]
    let inputs = node.inputs.map { graph.nodes[$0].shape }
    return graph.shard.size * node.operation.floatingPointOperations(inputs: inputs, output: node.shape)
  }

  private static func share(
    _ instructions: ArraySlice<Lowering.Instruction>, of node: Graph.NodeID, _ parts: [(label: String, operations: Int)]
  ) -> [InstructionWork] {
    var counts = [Int](repeating: 0, count: instructions.count)
    for part in parts where !instructions.isEmpty {
      let place = instructions.firstIndex { $0.label == part.label } ?? instructions.startIndex
      counts[place - instructions.startIndex] += part.operations
    }
    return counts.map { InstructionWork(node: node, floatingPointOperations: $0) }
  }
}
