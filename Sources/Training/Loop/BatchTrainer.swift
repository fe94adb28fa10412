import Attacks
import Datasets
import Synchronization
import TensorEngine

/// A network in training: its programs, compiled once, and the weights that they share.
final class BatchTrainer {
  let parameters: Parameters
  /// The network as it is being trained, for attacks and measurements.
  let team: NetworkTeam
  private let session: Session
  private let gradients: Gradients
  private let split: Split
  private let adversary: Adversary
  private let engine: Engine
  private let width: Int
  private let seed: UInt64
  private let control: @Sendable () throws -> Void

  init(_ run: TrainingRun) throws {
    width = min(max(1, run.threads), run.engine.threads)
    parameters = Parameters(run.graph.layout)
    parameters.copy(from: run.initial)
    team = try NetworkTeam(engine: run.engine, graph: run.graph, parameters: parameters, width: width)
    session = try Session(Program(run.graph, for: .training), parameters: parameters, lanes: width)
    gradients = Gradients(run.graph.layout, shards: Shard.count(min(run.settings.batchSize, run.dataset.train.count)))
    split = run.dataset.train
    adversary = run.settings.attack.adversary(for: run.threat, keep: .last)
    engine = run.engine
    seed = run.seed
    control = run.control
  }

  /// Attack, combine, retrain: one update of the weights.
  ///
  /// - Parameter willUpdate: called on this thread between the shards' work and the update.
  /// - Returns: what went through, with the seconds that the threads spent; nil when the loss is not finite, and then the weights are as
  ///   they were.
  /// - Throws: what `control` throws; the weights are then as they were.
  func train(_ batch: TrainingBatch, with optimizer: Optimizer, learningRate: Double, willUpdate: () -> Void) throws -> ShardWork.Result? {
    let result = try gradients(of: batch)
    guard result.tally.loss.isFinite else { return nil }
    willUpdate()
    try parameters.withValues { weights in
      let trained = UnsafeMutableBufferPointer(rebasing: weights[..<parameters.layout.trainedCount])
      let step = optimizer.beginStep(on: trained, learningRate: learningRate)
      try gradients.reduce(shards: Shard.count(batch.ids.count), on: engine, width: width) { step.update($0, gradient: $1) }
    }
    refresh()
    return result
  }

  /// To be called after the weights were changed from outside.
  func refresh() {
    team.refresh()
    session.refresh()
  }

  private func gradients(of batch: TrainingBatch) throws -> ShardWork.Result {
    let work = ShardWork(
      split: split, batch: batch, adversary: adversary, team: team, session: session, gradients: gradients, seed: seed)
    let shards = Shard.count(batch.ids.count)
    let results = Mutex([ShardWork.Result](repeating: ShardWork.Result(), count: shards))
    let control = control
    try engine.parallel(shards, width: width) { shard, lane in
      try control()
      let result = work(shard: shard, lane: lane)
      results.withLock { $0[shard] = result }
    }
    // Summed in the order of the shards, whichever thread was first: the sum of the losses is part of what a run must reproduce.
    return results.withLock { results in
      results.reduce(into: ShardWork.Result()) {
        $0.tally += $1.tally
        $0.times += $1.times
      }
    }
  }
}
