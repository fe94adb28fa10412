import Attacks
import JSON
import Training

extension TrainingSettings {
  static var object: ObjectType {
    ObjectType(
      "Training", "How the model is trained: `base_epochs` on clean images, then `epochs` of the method.",
      variants: Variants(
        "method", TrainingMethod.allCases.map(\.variant), default: "pgd",
        later: ["free", "trades", "mart", "alp", "awp", "gradalign", "input_gradient", "ibp"], help: "How the weights learn."),
      fields: [
        Field("base_epochs", .integer(0...mostEpochs), default: 2, help: "Epochs of standard training, which make the base model."),
        Field("epochs", .integer(0...mostEpochs), default: 10, help: "Epochs of the method."),
        Field("batch_size", .integer(1...65_536), default: 128, help: "Examples of an update."),
        Field(
          "adversarial_fraction", .number(0...1), default: 1.0, help: "The part of each batch that is attacked; the rest stays clean."),
        Field(
          "bn_in_attack", .choice(BatchNormInAttack.self), default: "eval",
          help: "Which statistics batch norm uses in the attack: the running ones, or those of the batch under attack."),
        Field("optimizer", .object(OptimizerSettings.object), default: [:], help: "What changes the weights."),
        Field("schedule", .object(Schedule.object), default: [:], help: "How the learning rate changes within each stage."),
        Field(
          "augment", .only([], .notSupported, "augmentation is not available in this version; leave the list empty"), default: [],
          help: "Not available yet."),
        Field("average", .object(average), default: [:], help: "Averaged weights."),
        Field("select", .choice(CheckpointSelection.self), default: "best_robust", help: "Which checkpoint is the result."),
        Field(
          "early_stop_patience", .integer(1...mostEpochs),
          help: "Stop after so many epochs in which the selected figure did not improve; by default never."),
      ])
  }

  private static let mostEpochs = 100_000

  private static var average: ObjectType {
    let reason = "averaged weights are not available in this version; leave ema null"
    return ObjectType(
      "Average", "Averages of the weights.", fields: [Field("ema", .only(.null, .notSupported, reason), help: "Not available yet.")])
  }

  init(_ values: FieldValues, validationFraction: Double) {
    self.init(
      method: values.word("method"), baseEpochs: values.integer("base_epochs"), epochs: values.integer("epochs"),
      batchSize: values.integer("batch_size"), adversarialFraction: values.number("adversarial_fraction"),
      attack: values.optionalSection("attack").map(AttackSettings.init), batchNormInAttack: values.word("bn_in_attack"),
      optimizer: OptimizerSettings(values.section("optimizer")), schedule: Schedule(values.section("schedule")),
      select: values.word("select"), earlyStopPatience: values.optionalInteger("early_stop_patience"),
      validationFraction: validationFraction)
  }

  func check(_ log: FaultLog) {
    if baseEpochs + epochs == 0, log.isClean("/training/epochs"), log.isClean("/training/base_epochs") {
      log.add(
        "/training/epochs", .conflict, "base_epochs and epochs are both 0: there is nothing to train; use kind evaluate to judge weights")
    }
    if earlyStopPatience != nil, validationFraction == 0 {
      log.add(
        "/training/early_stop_patience", .conflict,
        "early stopping watches a validation part, and dataset.validation_fraction is 0; give it a part such as 0.1")
    }
    if case .sgd(momentum: 0, _, nesterov: true) = optimizer.rule, log.isClean("/training/optimizer") {
      log.add("/training/optimizer/nesterov", .conflict, "Nesterov's step needs a momentum above 0")
    }
    if case .step(let milestones, _) = schedule, log.isClean("/training/schedule") { check(milestones, log) }
  }

  private func check(_ milestones: [Int], _ log: FaultLog) {
    if zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) {
      log.add("/training/schedule/milestones", .outOfRange, "the milestones must rise from one to the next")
    } else if let first = milestones.first, first >= max(baseEpochs, epochs, 1) {
      log.add(
        "/training/schedule/milestones", .conflict, "no stage of the training lasts \(first) epochs, so the rate would never change")
    }
  }
}

extension TrainingMethod {
  fileprivate var variant: Variants.Variant {
    let isAttacking = defaultAttack != nil
    let attack = Field("attack", attackType, default: isAttacking ? [:] : nil, help: isAttacking ? "What it trains against." : "None.")
    return Variants.Variant(rawValue, summary, [attack])
  }

  private var summary: String {
    switch self {
    case .standard: "On clean images alone."
    case .fgsm: "On examples of a single step; with a random start Fast-AT (Wong et al. 2020, arXiv:2001.03994)."
    case .pgd: "On examples of projected gradient descent (Madry et al. 2018, arXiv:1706.06083), or of any other attack."
    }
  }

  private var attackType: FieldType {
    guard let usual = defaultAttack else {
      return .only(.null, .conflict, "the method standard attacks nothing; leave attack out, or choose fgsm or pgd")
    }
    let offered = onlyAttack.map { [$0] } ?? AttackCatalogue.all
    let others = AttackCatalogue.names.filter { name in !offered.contains { $0.name == name } }
    let reasons = others.map { ($0, "the method \(rawValue) trains on \(usual.name); for \($0) choose the method pgd") }
    return .object(
      AttackCatalogue.object(
        "Attack-in-\(rawValue)", "The attack of the method \(rawValue), by its name.", offered, for: .training, usual: usual,
        elsewhere: Dictionary(uniqueKeysWithValues: reasons)))
  }
}
