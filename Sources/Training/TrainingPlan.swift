import TensorEngine

/// The programs of a run and the memory that they take: known before anything runs.
package struct TrainingPlan: Sendable {
  /// For measurements, which are always in single precision.
  let measuring: Program
  /// For attacks with the running statistics of batch norm; that for measurements where both are of one precision.
  let attack: Program
  /// For attacks with the statistics of the batch under attack, where the settings ask for them and the network has any.
  let attackOnBatch: Program?
  let learning: Program
  /// How many threads work at once.
  let width: Int
  /// The most shards of a batch.
  let shards: Int

  /// - Parameters:
  ///   - examples: how many there are to train on; no batch is larger.
  ///   - width: how many threads work at once.
  /// - Throws: `KernelError` when the engine cannot compute the network.
  package init(
    _ graph: Graph, _ settings: TrainingSettings, precision: Precision, examples: Int, width: Int, programs: ProgramCache
  ) throws {
    measuring = try programs.program(graph, for: .attack)
    attack = try programs.program(graph, for: .attack, isHalf: precision.attacksInHalf)
    learning = try programs.program(graph, for: .training, isHalf: precision.learnsInHalf)
    let isOnBatch = settings.batchNormInAttack == .train && settings.method != .standard && learning.hasReductions
    attackOnBatch = try isOnBatch ? programs.program(graph, for: .attackOnBatch, isHalf: precision.attacksInHalf) : nil
    self.width = width
    shards = graph.shard.count(min(settings.batchSize, examples))
  }

  /// The memory of a run: sessions for attacks and for learning, and the gradients.
  ///
  /// Where a whole batch is attacked before it is learnt from, all of that is had in turn, weights and all; elsewhere each thread goes
  /// from one to the other, and its arenas lie on each other.
  private var attacksWholeBatchFirst: Bool { learning.hasReductions }

  struct Allocations {
    let measuring, attack, learning, attackOnBatch: Workspace.Allocation
    let gradients: (workspace: Workspace, offset: Int)
  }

  func allocations() -> Allocations {
    let workspace = Workspace(bytes: bytes)
    func allocation(_ program: Program, weightsOffset: Int) -> Workspace.Allocation {
      attacksWholeBatchFirst
        ? Workspace.Allocation(workspace, weightsOffset: 0, arenasOffset: program.weightBytes, arenaStride: program.arenaBytes)
        : Workspace.Allocation(workspace, weightsOffset: weightsOffset, arenasOffset: weightBytes, arenaStride: arenaStride)
    }
    return Allocations(
      measuring: allocation(measuring, weightsOffset: attack.weightBytes + learning.weightBytes),
      attack: allocation(attack, weightsOffset: 0),
      learning: allocation(learning, weightsOffset: attack.weightBytes),
      attackOnBatch: allocation(attackOnBatch ?? attack, weightsOffset: 0),
      gradients: (workspace, bytes - gradientBytes))
  }

  /// The bytes of activations, gradients and packed weights.
  package var bytes: Int {
    guard attacksWholeBatchFirst else { return weightBytes + width * arenaStride + gradientBytes }
    return max(
      Session.bytes(attack, contexts: width), Session.bytes(measuring, contexts: width),
      Session.bytes(learning, contexts: learningContexts) + gradientBytes, attackOnBatch.map { Session.bytes($0, contexts: shards) } ?? 0)
  }

  /// Whether measurements have a program of their own.
  var measuresApart: Bool { measuring !== attack }
  var learningContexts: Int { learning.contextCount(width: width, shards: shards) }
  var gradientSets: Int { learning.gradientSets(shards: shards) }
  private var weightBytes: Int { attack.weightBytes + learning.weightBytes + (measuresApart ? measuring.weightBytes : 0) }
  private var gradientBytes: Int { Gradients.bytes(learning.layout, shards: gradientSets) }
  private var arenaStride: Int { max(attack.arenaBytes, learning.arenaBytes, measuring.arenaBytes) }
}
