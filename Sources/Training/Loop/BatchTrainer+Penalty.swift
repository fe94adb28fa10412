import Synchronization
import TensorEngine

/// The gradients of a penalty on gradients at images, where the shards of a batch pass together.
extension BatchTrainer {
  /// Leaves them in the two sets behind those of the views.
  func penaliseInLockstep(_ work: BatchWork, _ examples: [TrainingExamples], _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    let started = examples.compactMap { work.penaltyWork($0) }
    guard started.count == examples.count else { return }
    let works = try takeGradients(work, started)
    let taken = results.withLock { results in
      zip(works, results).map { penalty, result in
        var penalty = penalty
        work.takeFirstView(&penalty, result)
        return penalty
      }
    }
    var moves = taken.map { $0.moves() }
    PenaltyWork.alignSteps(&moves)
    try learn(work, taken, moves)
    results.withLock { results in
      for (shard, move) in moves.enumerated() { results[shard].tally.add(loss: move.penalties.reduce(0, +)) }
    }
  }

  /// The gradients at the images that no view of the objective gives. What these passes say of the weights is overwritten later.
  private func takeGradients(_ work: BatchWork, _ works: [PenaltyWork]) throws -> [PenaltyWork] {
    let shared = Mutex(works)
    let slopes = Mutex([Tensor?](repeating: nil, count: works.count))
    let (gradients, set) = (gradients, work.batch.objective.views.count)
    for number in 0..<(work.batch.objective.penalty?.imageCount ?? 0) {
      try sessions[0].pass(shards: works.count, on: engine, width: width) { shard, context in
        context.begin(works[shard].images[number], draws: work.draws(works[shard].examples, image: number))
      } beginBackward: { shard, context in
        let slope = works[shard].slopes(context.logits)
        slopes.withLock { $0[shard] = slope }
        context.beginBackward(slope, into: gradients, set: set)
      } end: { shard, context in
        let gradient = context.inputGradient
        guard let slope = slopes.withLock({ $0[shard] }) else { return }
        shared.withLock { $0[shard].take(gradient, from: slope) }
      }
    }
    return shared.withLock { $0 }
  }

  /// Both passes beside the images. Batch norm's running statistics stay: the images have had their pass.
  private func learn(_ work: BatchWork, _ works: [PenaltyWork], _ moves: [PenaltyWork.Moves]) throws {
    let (gradients, set, shards) = (gradients, work.batch.objective.views.count, works.count)
    let statistics = parameters.untrainedValues
    // Safe: the contexts of a shard are used by the task of that shard alone.
    nonisolated(unsafe) let first = frozen[0].contexts
    try frozen[0].forward(shards: shards, on: engine, width: width) { shard, context in
      context.begin(works[shard].stacked(moves[shard], sign: 1), draws: work.drawsOfPenalty(works[shard].examples))
    } end: { _, _ in
    }
    try frozen[1].pass(shards: shards, on: engine, width: width) { shard, context in
      context.begin(works[shard].stacked(moves[shard], sign: -1), draws: work.drawsOfPenalty(works[shard].examples))
    } beginBackward: { shard, context in
      let slopes = works[shard].logitGradients(moves[shard], first[shard].logits, context.logits, count: work.batch.ids.count)
      first[shard].beginBackward(slopes.plus, into: gradients, set: set)
      context.beginBackward(slopes.minus, into: gradients, set: set + 1)
    }
    try frozen[0].backward(shards: shards, on: engine, width: width)
    parameters.untrainedValues = statistics
  }
}
