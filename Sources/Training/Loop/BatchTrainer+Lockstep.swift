import Synchronization
import TensorEngine

/// The way of a batch whose shards pass together.
extension BatchTrainer {
  /// The views before the last go forward and wait; the last one goes forward, the loss is taken over all views, and all go back: the last as
  /// part of its pass, the others after it.
  func learnInLockstep(_ work: BatchWork, _ examples: [TrainingExamples], _ results: borrowing Mutex<[BatchWork.Result]>) throws {
    let shards = examples.count
    try control()
    let start = PhaseTimes.now()
    let (gradients, last) = (gradients, work.batch.objective.views.count - 1)
    let sessions = sessions(for: work.batch.objective)
    let sets = GradientSets(sessions.map(\.program), shards: shards)
    // The passes of images change the running statistics, which the bounds have in their packed weights.
    boundsSession?.weightsChanged()
    // Safe: the contexts of a shard, one for each view, are used by the task of that shard alone.
    nonisolated(unsafe) let contexts = sessions.map(\.contexts)
    for view in 0..<last {
      try sessions[view].forward(shards: shards, on: engine, width: width) { shard, context in
        work.begin(examples[shard], view: view, context)
      } end: { _, _ in
      }
    }
    try sessions[last].pass(shards: shards, on: engine, width: width) { shard, context in
      work.begin(examples[shard], view: last, context)
    } beginBackward: { shard, _ in
      let contexts = contexts.map { $0[shard] }
      var result = results.withLock { $0[shard] }
      let logitGradients = work.logitGradients(examples[shard], contexts.map(\.logits), &result)
      for (view, context) in contexts.enumerated() {
        context.beginBackward(logitGradients[view], into: gradients, set: sets.set(view: view, shard: shard))
      }
      results.withLock { $0[shard] = result }
    }
    for view in 0..<last { try sessions[view].backward(shards: shards, on: engine, width: width) }
    if work.keepsInputGradients {
      for shard in 0..<shards {
        let inputGradients = sessions.map { $0[shard].inputGradient }
        results.withLock { $0[shard].inputGradients = inputGradients }
      }
    }
    try penaliseInLockstep(work, examples, results)
    let seconds = PhaseTimes.now() - start
    results.withLock { $0[0].times.add(.retrain, seconds * Double(min(width, shards))) }
  }
}
