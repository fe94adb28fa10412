import Attacks
import Synchronization
import TensorEngine

/// The examples that a batch learns from: its images after the attack.
extension BatchTrainer {
  /// Adversarial images of training examples against the present weights, with the running statistics of batch norm.
  ///
  /// - Parameter epoch: what random starts are drawn for.
  func perturbed(_ ids: ArraySlice<Int>, epoch: Int) throws -> Tensor {
    let batch = TrainingBatch(
      ids: Array(ids), start: 0, epoch: epoch, mix: AdversarialMix(fraction: 1), objective: LossOfView(view: .adversarial))
    let work = BatchWork(
      split: split, batch: batch, attack: attack, adversary: adversary(of: batch), augment: [], labelSmoothing: 0, baseImages: nil,
      state: state, pass: 0, seed: seed, sharding: sharding, control: control)
    let shards = sharding.count(ids.count)
    let images = try attackShards(work, shards, Mutex([BatchWork.Result](repeating: BatchWork.Result(), count: shards))).map { $0.views[0] }
    return Tensor(images[0].shape.example.batched(ids.count), values: images.flatMap(\.values))
  }

  func trainingExamples(
    _ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>
  ) throws -> [TrainingExamples] {
    if let batchClassifier { return try attackWholeBatch(work, shards, batchClassifier, results) }
    return try attackShards(work, shards, results)
  }

  /// Each shard is attacked by itself on one thread.
  private func attackShards(
    _ work: BatchWork, _ shards: Int, _ results: borrowing Mutex<[BatchWork.Result]>
  ) throws -> [TrainingExamples] {
    let control = control
    let examples = Mutex([TrainingExamples?](repeating: nil, count: shards))
    if work.batch.mix != nil { try attackedNetwork.session.packWeights(on: engine, width: width) }
    try engine.parallel(shards, over: attackedNetwork.classifiers) { shard, classifier in
      try control()
      var times = PhaseTimes()
      let shardExamples = try work.trainingExamples(shard: shard, classifier: classifier, times: &times)
      examples.withLock { $0[shard] = shardExamples }
      results.withLock { $0[shard].times = times }
    }
    return examples.withLock { $0.compactMap(\.self) }
  }

  /// The whole batch is attacked in step.
  private func attackWholeBatch(
    _ work: BatchWork, _ shards: Int, _ classifier: BatchClassifier, _ results: borrowing Mutex<[BatchWork.Result]>
  ) throws -> [TrainingExamples] {
    try control()
    var times = PhaseTimes()
    let whole = try work.trainingExamples(rows: 0..<work.batch.ids.count, classifier: classifier, times: &times)
    let threads = Double(min(width, shards))
    results.withLock { $0[0].times = times.scaled(by: threads) }
    return (0..<shards).map { whole.gathered(sharding.range($0, of: work.batch.ids.count)) }
  }
}
