import Synchronization

/// A network compiled to be computed in part: each stage for the sizes of changes that are asked for, and what comes after the first linear
/// layer. It does not change; any number of cones use one.
package final class ConeProgram: Sendable {
  /// A part worth computing takes at most this share of the network's operations: small products take longer than large ones.
  private static let worthwhileShare = 0.6

  let plan: ConePlan
  private let programs = Mutex<[Piece: Program]>([:])

  private enum Piece: Hashable {
    case stage(Int, Extent)
    case head
  }

  /// - Returns: `nil` for a network that has to be computed whole.
  package init?(_ graph: Graph) {
    guard let plan = ConePlan(graph) else { return nil }
    self.plan = plan
  }

  /// Whether changes of this many pixels, square and anywhere in an image, take much less than the whole network.
  package func isWorthwhile(side: Int) -> Bool { plan.share(plan.reached(by: Extent(side))) <= Self.worthwhileShare }

  /// The memory that cones of so many threads take at the most, with the weights that they share; 0 where there are none.
  package func bytes(width: Int) throws -> Int {
    guard isWorthwhile(side: 1) else { return 0 }
    let known = min(Cone.mostBytes, Self.usualImages * Cone.bytes(self, images: 1))
    let whole = plan.whole
    let stages = try plan.stages.indices.map { Session.bytes(try stage($0, to: whole[$0 + 1]), contexts: 1) }
    // A stage of the whole image while images become known, and all stages for squares, which take no more than that.
    return ConeWeights.bytes(self) + width * (known + 2 * (stages.max() ?? 0))
  }

  /// The images that become known at once.
  private static let usualImages = 64

  func session(_ index: Int, to output: Extent, _ weights: ConeWeights) throws -> Session {
    try Session(stage(index, to: output), parameters: weights.parameters, contexts: 1)
  }

  /// A stage for images that are cut to what so many pixels of its output see.
  private func stage(_ index: Int, to output: Extent) throws -> Program {
    try program(.stage(index, output)) {
      let stage = plan.stages[index]
      let seen = stage.seen(by: output)
      var part = Graph(input: [seen.height, seen.width, stage.input[2]], withParametersOf: plan.graph)
      for operation in stage.operations { try part.append(next: operation.withoutPadding) }
      return part
    }
  }

  /// From the first linear layer's results to logits; `nil` where these are the logits.
  func head() throws -> Program? {
    guard !plan.head.isEmpty else { return nil }
    return try program(.head) {
      var part = Graph(input: [plan.linear.units], withParametersOf: plan.graph)
      for node in plan.head { try part.append(next: node.operation) }
      return part
    }
  }

  private func program(_ piece: Piece, _ graph: () throws -> Graph) throws -> Program {
    try programs.withLock { programs in
      if let known = programs[piece] { return known }
      let program = try Program(graph(), for: .inference)
      programs[piece] = program
      return program
    }
  }
}
