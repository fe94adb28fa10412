import Datasets
import Foundation
import JSON
import Robustness
import TensorEngine
import Training

/// What is chosen of a training whose spec leaves it open: its length in updates, and where no optimiser is named, how the weights learn.
///
/// It is chosen once, at submission, from the data and the kind of the network, and written into the completed spec. Whoever names an
/// optimiser gets what they name, and nothing beside it. The figures that these choices were made by are in `Tests/Benchmarks/defaults.py`.
struct DefaultTraining {
  /// The members of `training` that are chosen.
  let members: JSONObject
  /// Why these, in a sentence; `nil` when nothing was left open.
  let reason: String?

  /// - Parameter given: the section `training` of the document, as it was given.
  init(_ spec: JobSpec, given: JSONValue?, _ facts: DatasetFacts, _ graph: Graph) {
    guard let training = spec.training else {
      (members, reason) = ([:], nil)
      return
    }
    func isOpen(_ name: String) -> Bool { (given?[name] ?? .null) == .null }
    var chosen = JSONObject()
    var reasons: [String] = []
    if isOpen("optimizer") {
      let learning = Learning(graph, isFineTuning: spec.model.initial != nil)
      chosen["optimizer"] = ["name": .string(learning.optimizer), "learning_rate": .number(learning.rate)]
      if isOpen("batch_size") { chosen["batch_size"] = .int(Int64(learning.batchSize)) }
      // Interval bounds have a clipping and a rise of epsilon of their own.
      if isOpen("clip_norm"), training.method.bounds == nil { chosen["clip_norm"] = .number(Self.clipNorm) }
      if isOpen("learning_rate_warmup"), isOpen("schedule") { chosen["learning_rate_warmup"] = .number(learning.warmup) }
      if isOpen("epsilon_warmup"), training.takesEpsilonWarmup { chosen["epsilon_warmup"] = .number(Self.epsilonWarmup) }
      reasons.append(learning.reason)
    }
    if isOpen("epochs") {
      let batch = chosen["batch_size"]?.integer ?? training.batchSize
      let length = Length(examples: spec.trainedCount(facts), batch: batch)
      chosen["epochs"] = .int(Int64(length.epochs))
      if isOpen("base_epochs") { chosen["base_epochs"] = .int(Int64(length.baseEpochs)) }
      reasons.append(length.reason)
    }
    members = chosen
    reason = reasons.isEmpty ? nil : reasons.joined(separator: " ")
  }

  /// The document with these in it.
  func completed(_ document: JSONValue) -> JSONValue {
    members.members.reduce(document) { $0.setting("/training/\($1.key)", to: $1.value) }
  }

  /// The norm to which the gradient of all weights together is scaled down.
  private static let clipNorm = 1.0
  /// The part of the retraining over which epsilon rises: at full epsilon from the first update a network without batch norm may end as a
  /// constant.
  private static let epsilonWarmup = 0.4
}

/// How a network learns, by its kind.
private struct Learning {
  let optimizer: String
  let rate: Double
  let batchSize: Int
  /// The part of each stage over which the rate rises.
  let warmup: Double
  let reason: String

  /// - Parameter isFineTuning: whether it begins with weights that have learnt before: at three tenths of the rate.
  init(_ graph: Graph, isFineTuning: Bool) {
    func has<Kind>(_: Kind.Type) -> Bool { graph.nodes.contains { $0.operation is Kind } }
    let kind: String
    let full: Double
    switch (has(Attention.self), has(BatchNorm.self)) {
    case (true, _): (kind, optimizer, full, batchSize, warmup) = ("with attention", "adamw", 5e-4, 32, 0.1)
    case (_, true): (kind, optimizer, full, batchSize, warmup) = ("with batch norm", "adam", 1e-3, 64, 0.1)
    case (_, false): (kind, optimizer, full, batchSize, warmup) = ("without normalisation", "adam", 2e-3, 64, 0)
    }
    rate = isFineTuning ? 0.3 * full : full
    let start = isFineTuning ? ", which goes on from weights that have learnt," : ""
    reason = "A network \(kind)\(start) learns by \(optimizer) at \(rate), its gradient clipped, while epsilon rises to its full size."
  }
}

/// How long it learns.
private struct Length {
  let epochs: Int
  let baseEpochs: Int
  let reason: String

  /// So many updates bring the small networks to where more add little; with fewer images each is seen no more than `mostEpochs` times.
  private static let updates = 2_000
  private static let fewestEpochs = 10
  private static let mostEpochs = 60

  init(examples: Int, batch: Int) {
    let perEpoch = max((examples + batch - 1) / max(batch, 1), 1)
    epochs = min(max((Self.updates + perEpoch - 1) / perEpoch, Self.fewestEpochs), Self.mostEpochs)
    baseEpochs = max(epochs / 10, 1)
    reason =
      "\(epochs) epochs of \(perEpoch) updates are \(epochs * perEpoch), of the \(Self.updates) aimed at in \(Self.fewestEpochs) to \(Self.mostEpochs) epochs."
  }
}

extension TrainingSettings {
  /// Whether epsilon can rise in the retraining: images that are made once have the full one.
  fileprivate var takesEpsilonWarmup: Bool { attacks && !attacksBase && method.bounds == nil }
}

extension JobSpec {
  /// What can be said of the training before it runs.
  func trainingWarnings(_ facts: DatasetFacts) -> [Warning] {
    let trained = trainedCount(facts)
    return training?.warnings(threat: threat, trained: trained, validation: trainCount(facts) - trained, classes: facts.classes) ?? []
  }

  /// The images that are learnt from: those held out are not.
  fileprivate func trainedCount(_ facts: DatasetFacts) -> Int {
    max(trainCount(facts) - heldOutCount(facts), 1)
  }
}
