import Attacks
import JSON
import Training

extension TrainingSettings {
  static var object: ObjectType {
    ObjectType(
      "Training", "How the model is trained: `base_epochs` on clean images, then `epochs` of the method.",
      variants: Variants(
        "method", MethodCatalogue.all.map(\.variant), default: MethodCatalogue.usual.name,
        help: "How the weights learn."),
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
        Field(
          "extensions", .list(.object(TrainingExtension.object), count: 0...100), default: [],
          help: "Further stages of the method behind `epochs`, one after the other. `POST /v1/jobs/JOB/extend` adds one."),
        Field(
          "on_collapse", .choice(CollapseResponse.self), default: "continue",
          help: """
            When the robust accuracy collapses: go on from the best weights, with the optimiser's state begun anew, or stop. The epoch in \
            which it is found has the metric `collapse`.
            """),
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
      method: MethodCatalogue.method(named: values.text("method")) ?? MethodCatalogue.usual,
      settings: values.optionalSection("settings")?.object.members.reduce(into: [:]) { $0[$1.key] = $1.value } ?? [:],
      baseEpochs: values.integer("base_epochs"), epochs: values.integer("epochs"),
      batchSize: values.integer("batch_size"), adversarialFraction: values.number("adversarial_fraction"),
      attack: values.optionalSection("attack").map(AttackSettings.init), batchNormInAttack: values.word("bn_in_attack"),
      optimizer: OptimizerSettings(values.section("optimizer")), schedule: Schedule(values.section("schedule")),
      select: values.word("select"), earlyStopPatience: values.optionalInteger("early_stop_patience"),
      onCollapse: values.word("on_collapse"),
      validationFraction: validationFraction)
    if let attack = values.optionalSection("attack") { attackSource = attack.word("source") }
    let rate = optimizer.learningRate
    extensions = values.sections("extensions").map { TrainingExtension($0, usualRate: rate) }
  }

  func check(_ log: FaultLog) {
    if let own = methodAttack, own.choosesStart, attack.randomStart != own.usual.randomStart, log.isClean("/training/attack") {
      log.add(
        "/training/attack/random_start", .conflict,
        "the method \(method.name) says itself where its attack starts; leave random_start out")
    }
    for conflict in method.conflicts(self) where log.isClean("/training/settings") {
      log.add("/training/settings/\(conflict.field)", .conflict, conflict.detail)
    }
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
    if attackSource == .base, log.isClean("/training/attack") { checkBaseImages(log) }
    if epochs == 0, !extensions.isEmpty, log.isClean("/training/epochs"), log.isClean("/training/extensions") {
      log.add("/training/extensions", .conflict, "epochs is 0: there is no training of the method that could be extended")
    }
    check(schedule, of: max(baseEpochs, epochs, 1), at: "/training/schedule", log)
    for (index, further) in extensions.enumerated() {
      check(further.schedule, of: further.epochs, at: "/training/extensions/\(index)/schedule", log)
    }
  }

  private func checkBaseImages(_ log: FaultLog) {
    if methodAttack?.isCarried == true {
      log.add(
        "/training/attack/source", .conflict,
        "the method \(method.name) carries its perturbation on from batch to batch, and makes no images beforehand; leave source out")
    }
    if batchNormInAttack == .train {
      log.add(
        "/training/attack/source", .conflict,
        "the base model is attacked as it will be used, with its running statistics; leave bn_in_attack out, or source")
    }
  }

  /// - Parameter epochs: of the longest stage that runs the schedule.
  private func check(_ schedule: Schedule, of epochs: Int, at pointer: String, _ log: FaultLog) {
    guard case .step(let milestones, _) = schedule, log.isClean(pointer) else { return }
    if zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) {
      log.add(pointer + "/milestones", .outOfRange, "the milestones must rise from one to the next")
    } else if let first = milestones.first, first >= epochs {
      log.add(pointer + "/milestones", .conflict, "no stage of the training lasts \(first) epochs, so the rate would never change")
    }
  }
}

extension TrainingMethod {
  fileprivate var variant: Variants.Variant {
    let attack = Field(
      "attack", attackType, default: self.attack == nil ? nil : [:], help: self.attack == nil ? "None." : "What it trains against.")
    let type = ObjectType("Settings-of-\(name)", "What the method \(name) alone has.", fields: fields, elsewhere: fieldsOfOthers)
    // Where the method has none, a completed spec shows none.
    let settings = Field(
      "settings", .object(type), fields.isEmpty ? .alternative : .optional, default: fields.isEmpty ? nil : [:],
      help: fields.isEmpty ? "None." : "What this method alone has.")
    return Variants.Variant(name, summary, [settings, attack])
  }

  /// Settings of other methods, and what to say of them here.
  private var fieldsOfOthers: [String: String] {
    var owners: [String: [String]] = [:]
    for method in MethodCatalogue.all {
      for field in method.fields where self.field(field.name) == nil { owners[field.name, default: []].append(method.name) }
    }
    var found: [String: String] = [:]
    for (field, methods) in owners {
      found[field] = "the method \(name) has no setting \"\(field)\"; it belongs to \(methods.joined(separator: ", "))"
    }
    return found
  }

  private var attackType: FieldType {
    guard let attack else {
      let others = MethodCatalogue.all.filter { $0.attack != nil }.map(\.name).joined(separator: ", ")
      return .only(.null, .conflict, "the method \(name) attacks nothing; leave attack out, or choose one of \(others)")
    }
    let (sequences, single) = (AttackCatalogue.all.filter { $0.parts != nil }, AttackCatalogue.all.filter { $0.parts == nil })
    let offered = attack.isOnly ? [attack.usual.definition] : single
    let others = single.map(\.name).filter { name in !offered.contains { $0.name == name } }
    let reasons =
      others.map {
        ($0, "the method \(name) trains on \(attack.usual.name); for \($0) choose the method \(MethodCatalogue.usual.name)")
      } + sequences.map { ($0.name, "\($0.name) is for evaluations: a sequence of attacks; train on one, such as \(attack.usual.name)") }
    return .object(
      AttackCatalogue.object(
        "Attack-in-\(name)", "The attack of the method \(name), by its name.", offered, for: .training, usual: attack.usual,
        elsewhere: Dictionary(uniqueKeysWithValues: reasons), and: [Self.source]))
  }

  private static let source = Field(
    "source", .choice(AttackSource.self), default: .string(AttackSource.current.rawValue),
    help: """
      `current`: each batch is attacked as it is learnt from, at the weights of that moment. `base`: the images are made once, from the base \
      model when the base stage has ended, and learnt from in every epoch of the retraining; they lie on the disk.
      """)
}
