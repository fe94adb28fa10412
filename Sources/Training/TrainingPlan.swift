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
    let isOnBatch = settings.batchNormInAttack == .train && settings.method != .standard && learning.hasMeetings
    attackOnBatch = try isOnBatch ? programs.program(graph, for: .attackOnBatch, isHalf: precision.attacksInHalf) : nil
    self.width = width
    shards = graph.shard.count(min(settings.batchSize, examples))
  }

  /// The memory of a run: sessions for attacks and for learning, and the gradients.
  ///
  /// Where a whole batch is attacked before it is learnt from, all of that is had in turn, weights and all; elsewhere each thread goes
  /// from one to the other, and its arenas lie on each other.
  private var takesTurns: Bool { learning.hasMeetings }

  struct Places {
    let measuring, attack, learning, attackOnBatch: Workspace.Place
    let gradients: (workspace: Workspace, offset: Int)
  }

  func places() -> Places {
    let workspace = Workspace(bytes: bytes)
    func place(_ program: Program, weights: Int) -> Workspace.Place {
      takesTurns
        ? Workspace.Place(workspace, weights: 0, arenas: program.weightBytes, pitch: program.arenaBytes)
        : Workspace.Place(workspace, weights: weights, arenas: weightBytes, pitch: pitch)
    }
    return Places(
      measuring: place(measuring, weights: attack.weightBytes + learning.weightBytes), attack: place(attack, weights: 0),
      learning: place(learning, weights: attack.weightBytes), attackOnBatch: place(attackOnBatch ?? attack, weights: 0),
      gradients: (workspace, bytes - gradientBytes))
  }

  /// The bytes of activations, gradients and prepared weights.
  package var bytes: Int {
    guard takesTurns else { return weightBytes + width * pitch + gradientBytes }
    return max(
      Session.bytes(attack, lanes: width), Session.bytes(measuring, lanes: width),
      Session.bytes(learning, lanes: learningLanes) + gradientBytes, attackOnBatch.map { Session.bytes($0, lanes: shards) } ?? 0)
  }

  /// Whether measurements have a program of their own.
  var measuresApart: Bool { measuring !== attack }
  var learningLanes: Int { learning.lanes(width: width, shards: shards) }
  var gradientSets: Int { learning.gradientSets(shards: shards) }
  private var weightBytes: Int { attack.weightBytes + learning.weightBytes + (measuresApart ? measuring.weightBytes : 0) }
  private var gradientBytes: Int { Gradients.bytes(learning.layout, shards: gradientSets) }
  private var pitch: Int { max(attack.arenaBytes, learning.arenaBytes, measuring.arenaBytes) }
}
