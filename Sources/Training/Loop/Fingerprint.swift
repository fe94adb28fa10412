import Attacks
import Files
import JSON
import Models
import TensorEngine

/// The arguments of a run as text that stays the same from version to version: pairs of a name and a value, in the order in which they
/// were added.
///
/// A setting that is as if it were not there is left out. So a new setting with a neutral default changes no fingerprint, and a run that an
/// earlier version saved goes on after an upgrade.
struct Fingerprint {
  private var pairs: [JSONValue] = []

  /// - Parameter absent: the value that stands for the setting's not being there; `nil`: it is always written.
  mutating func add(_ name: String, _ value: JSONValue, absent: JSONValue? = nil) {
    if value != absent { pairs.append([.string(name), value]) }
  }

  /// The SHA-256 in hexadecimal.
  var digest: String { SHA256Digest.hex(of: Array(JSONValue.array(pairs).serialised().utf8)) }
}

extension TrainingRun {
  /// A digest of all arguments that the weights depend on: a state is resumed by no other run.
  package func fingerprint() throws -> String {
    var print = Fingerprint()
    print.add("dataset.sha256", .string(dataset.sha256))
    print.add("dataset.train_count", .int(Int64(dataset.train.count)))
    print.add("model", try description.document())
    let parameters = graph.layout.parameters
    print.add("parameters", .array(parameters.map { [.string($0.name), .array($0.shape.dimensions.map { .int(Int64($0)) })] }))
    print.add("initial", .string(initial.withValues { SHA256Digest.hex(of: UnsafeRawBufferPointer($0)) }))
    print.add("threat.norm", .string(threat.norm.rawValue))
    print.add("threat.epsilon", .number(threat.epsilon))
    settings.add(to: &print)
    print.add("precision", .string(precision.rawValue), absent: "fp32")
    print.add("seed", .string(String(seed)))
    return print.digest
  }
}

extension TrainingSettings {
  fileprivate func add(to print: inout Fingerprint) {
    print.add("method", .string(method.name))
    for field in method.fields { print.add("settings." + field.name, methodSettings[field.name] ?? .null, absent: field.neutral) }
    print.add("base_epochs", .int(Int64(baseEpochs)))
    print.add("epochs", .int(Int64(epochs)))
    print.add("batch_size", .int(Int64(batchSize)))
    print.add("adversarial_fraction", .number(adversarialFraction), absent: .number(1))
    attack.add(to: &print)
    print.add("attack.source", .string(attackSource.rawValue), absent: .string(AttackSource.current.rawValue))
    print.add("batch_norm_in_attack", .string(batchNormInAttack.rawValue), absent: "eval")
    optimizer.add(to: &print)
    schedule.add(to: &print)
    print.add("select", .string(select.rawValue))
    print.add("early_stop_patience", earlyStopPatience.map { .int(Int64($0)) } ?? .null, absent: .null)
    print.add("on_collapse", .string(onCollapse.rawValue), absent: .string(CollapseResponse.goOn.rawValue))
    print.add("validation_fraction", .number(validationFraction))
    print.add("extensions", .array(extensions.map(\.fingerprint)), absent: [])
  }
}

extension TrainingExtension {
  fileprivate var fingerprint: JSONValue {
    var print = Fingerprint()
    schedule.add(to: &print)
    return [.int(Int64(epochs)), .number(learningRate), .bool(resetsOptimizer), .string(print.digest)]
  }
}

extension AttackSettings {
  fileprivate func add(to print: inout Fingerprint) {
    print.add("attack.name", .string(name))
    for field in definition.fields { print.add("attack." + field.name, self[field.name] ?? .null, absent: field.neutral) }
  }
}

extension OptimizerSettings {
  fileprivate func add(to print: inout Fingerprint) {
    switch rule {
    case .sgd(let momentum, let weightDecay, let nesterov):
      print.add("optimizer.name", "sgd")
      print.add("optimizer.momentum", .number(momentum))
      print.add("optimizer.weight_decay", .number(weightDecay))
      print.add("optimizer.nesterov", .bool(nesterov), absent: false)
    case .adam(let beta1, let beta2, let epsilon, let weightDecay), .adamw(let beta1, let beta2, let epsilon, let weightDecay):
      if case .adam = rule { print.add("optimizer.name", "adam") } else { print.add("optimizer.name", "adamw") }
      print.add("optimizer.beta1", .number(beta1))
      print.add("optimizer.beta2", .number(beta2))
      print.add("optimizer.epsilon", .number(epsilon))
      print.add("optimizer.weight_decay", .number(weightDecay))
    }
    print.add("optimizer.learning_rate", .number(learningRate))
  }
}

extension Schedule {
  fileprivate func add(to print: inout Fingerprint) {
    switch self {
    case .constant: print.add("schedule.name", "constant")
    case .cosine: print.add("schedule.name", "cosine")
    case .step(let milestones, let factor):
      print.add("schedule.name", "step")
      print.add("schedule.milestones", .array(milestones.map { .int(Int64($0)) }))
      print.add("schedule.factor", .number(factor))
    case .cyclic(let peak):
      print.add("schedule.name", "cyclic")
      print.add("schedule.peak", .number(peak))
    }
  }
}
