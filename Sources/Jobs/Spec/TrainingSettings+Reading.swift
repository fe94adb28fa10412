import Attacks
import JSON
import Training

extension TrainingSettings {
  static func read(_ reader: SpecReader, validationFraction: Double) -> TrainingSettings {
    let named = reader.word("method", among: MethodCatalogue.names, later: MethodCatalogue.later)
    let method = named.flatMap(MethodCatalogue.method(named:)) ?? MethodCatalogue.usual
    // Whose settings stand beside a name that is unknown, nobody can tell.
    let settings = named == nil && reader.has("method") ? ignored(reader) : method.readSettings(reader.section("settings"))
    let baseEpochs = reader.integer("base_epochs", in: 0...SpecBounds.epochs, default: 2)
    let epochs = reader.integer("epochs", in: 0...SpecBounds.epochs, default: 10)
    let batchSize = reader.integer("batch_size", in: 1...SpecBounds.batchSize, default: 128)
    let fraction = reader.number("adversarial_fraction", in: 0...1, default: 1)
    let attack = readAttack(reader, method: method)
    let batchNorm = reader.choice("bn_in_attack") ?? BatchNormInAttack.eval
    let optimizer = OptimizerSettings.read(reader.section("optimizer"))
    let schedule = Schedule.read(reader.section("schedule"), stages: (baseEpochs, epochs))
    refuseWhatIsToCome(reader)
    let select = reader.choice("select") ?? CheckpointSelection.bestRobust
    let patience = reader.integer("early_stop_patience", in: 1...SpecBounds.epochs)
    reader.finish()
    return TrainingSettings(
      method: method, settings: settings, baseEpochs: baseEpochs, epochs: epochs, batchSize: batchSize, adversarialFraction: fraction,
      attack: attack,
      batchNormInAttack: batchNorm, optimizer: optimizer, schedule: schedule, select: select, earlyStopPatience: patience,
      validationFraction: validationFraction)
  }

  private static func readAttack(_ reader: SpecReader, method: TrainingMethod) -> AttackSettings? {
    guard let attacking = method.attack else {
      if reader.has("attack") {
        let others = MethodCatalogue.all.filter { $0.attack != nil }.map(\.name).joined(separator: ", ")
        reader.note("attack", .conflict, "the method \(method.name) attacks nothing; leave attack out, or choose one of \(others)")
      }
      _ = reader.value("attack")
      return nil
    }
    let attack = AttackSettings.read(reader.section("attack"), for: .training, default: attacking.usual)
    let pointer = reader.pointer(to: "attack")
    guard reader.log.isClean(pointer) else { return attack }
    if attacking.isOnly, attack.name != attacking.usual.name {
      reader.log.add(
        pointer + "/name", .conflict,
        "the method \(method.name) trains on \(attacking.usual.name); for \(attack.name) choose the method \(MethodCatalogue.usual.name)")
    } else if attacking.aim == .divergence, !attack.randomStart {
      reader.log.add(
        pointer + "/random_start", .conflict,
        "the method \(method.name) starts beside the clean image, where the divergence that it raises has no gradient; leave random_start out"
      )
    }
    return attack
  }

  private static func ignored(_ reader: SpecReader) -> [String: JSONValue] {
    _ = reader.value("settings")
    return [:]
  }

  /// Fields of the contract that have one value so far.
  private static func refuseWhatIsToCome(_ reader: SpecReader) {
    if let augment = reader.list("augment", count: 0...64), !augment.isEmpty {
      reader.note("augment", .notSupported, "augmentation is not available in this version; leave the list empty")
    }
    let average = reader.section("average")
    if average.has("ema") {
      average.note("ema", .notSupported, "averaged weights are not available in this version; leave ema null")
    }
    _ = average.value("ema")
    average.finish()
  }
}

extension OptimizerSettings {
  private enum Name: String, CaseIterable {
    case sgd, adam, adamw
  }

  static func read(_ reader: SpecReader) -> OptimizerSettings {
    defer { reader.finish() }
    switch reader.choice("name") ?? Name.sgd {
    case .sgd:
      let rate = reader.learningRate(default: 0.1)
      let momentum = reader.number("momentum", in: 0...1, excluding: 1, default: 0.9)
      let decay = reader.number("weight_decay", in: 0...1, default: 0.0005)
      let nesterov = reader.flag("nesterov", default: false)
      if nesterov, momentum == 0 { reader.note("nesterov", .conflict, "Nesterov's step needs a momentum above 0") }
      return OptimizerSettings(.sgd(momentum: momentum, weightDecay: decay, nesterov: nesterov), learningRate: rate)
    case .adam:
      let (rate, beta1, beta2, epsilon) = reader.moments
      let decay = reader.number("weight_decay", in: 0...1, default: 0)
      return OptimizerSettings(.adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), learningRate: rate)
    case .adamw:
      let (rate, beta1, beta2, epsilon) = reader.moments
      let decay = reader.number("weight_decay", in: 0...1, default: 0.01)
      return OptimizerSettings(.adamw(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), learningRate: rate)
    }
  }
}

extension SpecReader {
  fileprivate func learningRate(default fallback: Double) -> Double {
    number("learning_rate", in: 0...1_000, excluding: 0, default: fallback)
  }

  /// The constants of Adam and AdamW.
  fileprivate var moments: (rate: Double, beta1: Double, beta2: Double, epsilon: Double) {
    (
      learningRate(default: 0.001), number("beta1", in: 0...1, excluding: 1, default: 0.9),
      number("beta2", in: 0...1, excluding: 1, default: 0.999), number("epsilon", in: 0...1, excluding: 0, default: 1e-8)
    )
  }
}

extension Schedule {
  private enum Name: String, CaseIterable {
    case constant, step, cosine, cyclic
  }

  /// - Parameter stages: the epochs of the base stage and of the retraining; the schedule runs once in each.
  static func read(_ reader: SpecReader, stages: (base: Int, main: Int)) -> Schedule {
    defer { reader.finish() }
    switch reader.choice("name") ?? Name.cosine {
    case .constant: return .constant
    case .cosine: return .cosine
    case .step:
      reader.require("milestones")
      let milestones = reader.integers("milestones", count: 1...1_000, in: 1...SpecBounds.epochs) ?? []
      if zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) {
        reader.note("milestones", .outOfRange, "the milestones must rise from one to the next")
      } else if let first = milestones.first, first >= max(stages.base, stages.main, 1) {
        reader.note("milestones", .conflict, "no stage of the training lasts \(first) epochs, so the rate would never change")
      }
      return .step(milestones: milestones, factor: reader.number("factor", in: 0...1, excluding: 0, default: 0.1))
    case .cyclic:
      let peak = reader.number("peak", in: 0...1, default: 0.4)
      if peak == 0 || peak == 1 { reader.note("peak", .outOfRange, "must lie between 0 and 1, not at either end") }
      return .cyclic(peak: peak)
    }
  }
}
