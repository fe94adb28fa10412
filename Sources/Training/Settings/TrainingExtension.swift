/// Further epochs of the method behind a training that has reached its end: a stage of its own, with a schedule of its own.
package struct TrainingExtension: Hashable, Sendable {
  package let epochs: Int
  package let schedule: Schedule
  /// Before the schedule.
  package let learningRate: Double
  /// Whether optimiser and method begin with a state that remembers nothing, as each stage before does.
  package let resetsOptimizer: Bool

  package init(epochs: Int, schedule: Schedule, learningRate: Double, resetsOptimizer: Bool = true) {
    self.epochs = epochs
    self.schedule = schedule
    self.learningRate = learningRate
    self.resetsOptimizer = resetsOptimizer
  }
}

extension TrainingSettings {
  /// The training as runs of two stages each: that before all extensions, and one for each extension, whose base stage is all that comes
  /// before it.
  private var parts: [TrainingSettings] {
    var first = self
    first.extensions = []
    var parts = [first]
    var before = first.totalEpochs
    for further in extensions {
      var part = first
      part.baseEpochs = before
      part.epochs = further.epochs
      part.schedule = further.schedule
      part.optimizer.learningRate = further.learningRate
      // What a method warms up to has been reached.
      (part.learningRateWarmup, part.epsilonWarmup) = (0, 0)
      for name in Self.rises where part.method.field(name) != nil { part.methodSettings[name] = 0 }
      before = part.totalEpochs
      parts.append(part)
    }
    return parts
  }

  private static let rises = ["warmup_epochs", "ramp"]

  /// The settings by which the epoch after `done` epochs is trained. Its `baseEpochs` are all before its stage.
  func part(after done: Int) -> TrainingSettings {
    guard !extensions.isEmpty else { return self }
    let parts = parts
    return parts.first { done < $0.totalEpochs } ?? parts[parts.count - 1]
  }

  /// The extension that begins after `done` epochs.
  func extensionBeginning(after done: Int) -> TrainingExtension? {
    zip(parts.dropFirst(), extensions).first { $0.0.baseEpochs == done }?.1
  }

  /// Epochs in all stages.
  package var totalEpochs: Int { extensions.isEmpty ? baseEpochs + retrainingEpochs : parts[parts.count - 1].totalEpochs }

  /// Epochs of the method.
  package var epochsOfMethod: Int { totalEpochs - baseEpochs }

  /// The extension by which a training goes on that has reached its end, unless somebody wants another.
  ///
  /// A rate that did not end at 0 goes on where it ended. A schedule that ends at 0 is followed by half a cosine: from the whole rate for as
  /// many epochs as the training had, and from a part of it for fewer, in proportion. Measured on the digits (LeNet, PGD-7 at 0.15, SGD and
  /// Adam, two seeds, PGD-40 on the test part): as many epochs again gained 6 to 13 points from the whole rate and 2 from a tenth; a fifth of
  /// them gained 1 to 2 points with SGD from a fifth of it, and nothing from the whole, which has to make up first for what it undoes.
  package func usualExtension(epochs: Int, resetsOptimizer: Bool) -> TrainingExtension {
    let last = parts[parts.count - 1]
    let (schedule, rate): (Schedule, Double) =
      switch last.schedule {
      case .constant, .step:
        (
          .constant,
          last.optimizer.learningRate * last.schedule.factor(step: last.epochs - 1, of: last.epochs, stepsPerEpoch: 1)
        )
      default: (.cosine, optimizer.learningRate * min(1, Double(epochs) / Double(epochsOfMethod)))
      }
    return TrainingExtension(epochs: epochs, schedule: schedule, learningRate: rate, resetsOptimizer: resetsOptimizer)
  }

  /// The same training as if it had been meant to end after `done` epochs, where its patience ended it.
  ///
  /// - Returns: `nil` when no stage of the method can end there.
  package func ending(after done: Int) -> TrainingSettings? {
    let index = parts.firstIndex { done <= $0.totalEpochs } ?? parts.count - 1
    let stage = done - parts[index].baseEpochs
    guard stage > 0 else { return nil }
    var ended = self
    ended.extensions = Array(extensions.prefix(index))
    if index == 0 {
      ended.epochs = stage
    } else {
      let last = extensions[index - 1]
      ended.extensions[index - 1] = TrainingExtension(
        epochs: stage, schedule: last.schedule, learningRate: last.learningRate, resetsOptimizer: last.resetsOptimizer)
    }
    return ended.totalEpochs == done ? ended : nil
  }

}
