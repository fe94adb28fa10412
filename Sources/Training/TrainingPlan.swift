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
  /// The network with frozen branches, where a penalty on gradients at images is learnt from.
  let frozen: Program?
  /// For a last view that is one of interval bounds.
  let bounds: Program?
  /// How many images of an example are learnt from at once: so many forward passes wait for their backward passes. The bounds come on top.
  let views: Int
  /// How many copies of the weights an update takes: where they are perturbed, those of before, a direction and the perturbation.
  package let weightCopies: Int
  /// How many threads work at once.
  let width: Int
  /// How a batch is cut into parts that pass one after the other.
  let accumulation: Accumulation
  /// The most shards that pass at once.
  var shards: Int { accumulation.shards }

  /// - Parameters:
  ///   - examples: how many there are to train on; no batch is larger.
  ///   - width: how many threads work at once.
  /// - Throws: `KernelError` when the engine cannot compute the network.
  package init(
    _ graph: Graph, _ settings: TrainingSettings, precision: Precision, examples: Int, width: Int, programs: ProgramCache
  ) throws {
    measuring = try programs.program(graph, for: .attack)
    attack = try programs.program(graph, for: .attack, isBF16: precision.attacksInBF16)
    let objective = settings.objective
    var purpose = Purpose.training
    if settings.batchNormStatistics == .frozen { purpose.remove(.batchStatistics) }
    let needsInputGradients = objective.needsInputGradients || objective.penalty != nil
    learning = try programs.program(
      graph, for: needsInputGradients ? purpose.union(.inputGradient) : purpose, isBF16: precision.learnsInBF16)
    frozen = try objective.penalty.map { _ in try programs.program(graph.withFrozenBranches(), for: purpose, isExact: true) }
    bounds = try BoundsLearning.program(graph, settings, programs: programs)
    let isOnBatch =
      settings.batchNormInAttack == .train && settings.attacks && settings.methodAttack?.isCarried != true && learning.hasReductions
    attackOnBatch = try isOnBatch ? programs.program(graph, for: .attackOnBatch, isBF16: precision.attacksInBF16) : nil
    let images = objective.views.count { $0 != .bounds }
    views = settings.epochs > 0 ? max(images, TrainingSettings.baseObjective.views.count) : 1
    let isPerturbed = (0..<settings.retrainingEpochs).contains {
      objective.weightPerturbation(after: $0, of: settings.retrainingEpochs) > 0
    }
    weightCopies = isPerturbed ? 3 : 0
    stateCount = objective.stateCount(
      TrainingSize(
        examples: examples, batch: min(settings.batchSize, examples), image: graph.inputShape, classes: graph.outputShape.count))
    self.width = width
    accumulation = Accumulation(shards: graph.sharding.count(min(settings.batchSize, examples)), parts: settings.accumulate)
  }

  /// Whether the shards of a batch pass together, because the network or the regulariser of its bounds asks for the statistics of all of them.
  var isInLockstep: Bool { learning.hasReductions || bounds?.hasReductions == true }

  /// The memory of a run: sessions for attacks and for learning, and the gradients.
  ///
  /// In lockstep a whole batch is attacked before it is learnt from, so both sessions, packed weights included, begin at the same place.
  /// Elsewhere each thread attacks a shard and learns from it, so the packed weights lie beside each other, and only the arenas of a thread
  /// begin at the same place:
  ///
  ///     lockstep        | attack: weights, arenas                                      |
  ///                     | learning: weights, arenas | further views ... | gradients    |
  ///     independently   | attack weights | learning weights | arena of thread 0, 1 ... | further views ... | gradients |
  ///
  /// Where interval bounds are learnt from, their weights and arenas lie before the gradients.
  struct Allocations {
    let measuring, attack, attackOnBatch: Workspace.Allocation
    /// An entry a view of images.
    let learning: [Workspace.Allocation]
    let bounds: Workspace.Allocation?
    let gradients: (workspace: Workspace, offset: Int)
  }

  func allocations() -> Allocations {
    let workspace = Workspace(bytes: sharedBytes)
    func allocation(_ program: Program, weightsOffset: Int) -> Workspace.Allocation {
      isInLockstep
        ? Workspace.Allocation(workspace, weightsOffset: 0, arenasOffset: program.weightBytes, arenaStride: program.arenaBytes)
        : Workspace.Allocation(workspace, weightsOffset: weightsOffset, arenasOffset: weightBytes, arenaStride: arenaStride)
    }
    return Allocations(
      measuring: allocation(measuring, weightsOffset: attack.weightBytes + learning.weightBytes),
      attack: allocation(attack, weightsOffset: 0),
      attackOnBatch: allocation(attackOnBatch ?? attack, weightsOffset: 0),
      learning: [allocation(learning, weightsOffset: attack.weightBytes)] + (1..<views).map { furtherView($0, in: workspace) },
      bounds: bounds.map {
        Workspace.Allocation(
          workspace, weightsOffset: boundsOffset, arenasOffset: boundsOffset + $0.weightBytes, arenaStride: $0.arenaBytes)
      },
      gradients: (workspace, sharedBytes - gradientBytes))
  }

  /// The views behind the first share its packed weights, and lie behind all that the first shares with attacks.
  private func furtherView(_ view: Int, in workspace: Workspace) -> Workspace.Allocation {
    let start = bytesOfFirstView + (view - 1) * bytesOfFurtherView
    return Workspace.Allocation(
      workspace, weightsOffset: start, arenasOffset: start + learning.sharedBytes, arenaStride: learning.arenaBytes)
  }

  /// Where the views of images end.
  private var bytesOfImages: Int { bytesOfFirstView + (views - 1) * bytesOfFurtherView }

  /// What attacks and measurements take in lockstep, from the start of the memory on.
  private var bytesOfAttacks: Int {
    max(
      Session.bytes(attack, contexts: width), Session.bytes(measuring, contexts: width),
      attackOnBatch.map { Session.bytes($0, contexts: shards) } ?? 0)
  }

  /// The bounds lie behind all that runs at other times: their packed weights are used as long as the weights stay.
  private var boundsOffset: Int { isInLockstep ? max(bytesOfImages, bytesOfAttacks) : bytesOfImages }

  /// The bytes of activations, gradients and packed weights.
  package var bytes: Int { sharedBytes + frozenBytes }

  /// The bytes of the workspace that sessions share.
  private var sharedBytes: Int {
    let learningBytes = bounds.map { boundsOffset + Session.bytes($0, contexts: learningContexts) } ?? bytesOfImages
    return isInLockstep ? max(bytesOfAttacks, learningBytes + gradientBytes) : learningBytes + gradientBytes
  }

  // MARK: Penalties on gradients

  /// The sets of gradients that a penalty takes in lockstep: one for each of its two passes.
  static let penaltySets = 2

  /// The network with frozen branches twice, in memory of their own: none without a penalty.
  func frozenSessions(_ parameters: Parameters) throws -> [Session] {
    guard let frozen else { return [] }
    let workspace = Workspace(bytes: frozenBytes)
    let start = Session.bytes(frozen, contexts: frozenContexts)
    let first = try Session(
      frozen, parameters: parameters, contexts: frozenContexts,
      in: Workspace.Allocation(workspace, weightsOffset: 0, arenasOffset: frozen.weightBytes, arenaStride: frozen.arenaBytes))
    let second = try Session(
      sharingWeightsOf: first, parameters: parameters, contexts: frozenContexts,
      in: Workspace.Allocation(
        workspace, weightsOffset: start, arenasOffset: start + frozen.sharedBytes, arenaStride: frozen.arenaBytes))
    return [first, second]
  }

  private var frozenContexts: Int { frozen?.contextCount(width: width, shards: shards) ?? 0 }
  private var frozenBytes: Int {
    frozen.map { Session.bytes($0, contexts: frozenContexts) + Session.bytesWithoutWeights($0, contexts: frozenContexts) } ?? 0
  }

  /// The count of numbers in the method's state.
  package let stateCount: Int

  /// Whether measurements have a program of their own.
  var measuresApart: Bool { measuring !== attack }
  var learningContexts: Int { isInLockstep ? shards : width }
  /// Where shards are in lockstep, those of each view and of a penalty: see `GradientSets`. Elsewhere a set a shard, to which each further view
  /// is added from one that its thread has. Behind them those in which sums over parts of a batch wait.
  var gradientSets: Int { passedSets + accumulation.waitingSums }
  var passedSets: Int {
    let all = [Program](repeating: learning, count: views) + [bounds].compactMap(\.self)
    guard isInLockstep else { return shards + (all.count > 1 || frozen != nil ? width : 0) }
    return GradientSets(all, shards: shards).count + (frozen == nil ? 0 : min(shards, 1) * Self.penaltySets)
  }
  private var bytesOfFirstView: Int {
    isInLockstep ? Session.bytes(learning, contexts: learningContexts) : weightBytes + width * arenaStride
  }
  private var bytesOfFurtherView: Int { Session.bytesWithoutWeights(learning, contexts: learningContexts) }
  private var weightBytes: Int { attack.weightBytes + learning.weightBytes + (measuresApart ? measuring.weightBytes : 0) }
  private var gradientBytes: Int { Gradients.bytes(learning.layout, sets: gradientSets) }
  private var arenaStride: Int { max(attack.arenaBytes, learning.arenaBytes, measuring.arenaBytes) }
}

/// The sets of gradients of a batch whose shards pass in lockstep: one a view where the program sums them layer by layer, else one a shard.
struct GradientSets: Sendable {
  /// The first set of each view.
  private let first: [Int]
  private let isSummed: [Bool]
  /// How many there are.
  let count: Int

  /// - Parameter programs: of each view.
  init(_ programs: [Program], shards: Int) {
    isSummed = programs.map(\.sumsGradientsByLayer)
    var first: [Int] = []
    var count = 0
    for program in programs {
      first.append(count)
      count += program.sumsGradientsByLayer ? min(shards, 1) : shards
    }
    self.first = first
    self.count = count
  }

  func set(view: Int, shard: Int) -> Int { isSummed[view] ? first[view] : first[view] + shard }
}
