import Attacks
import Datasets
import JSON
import TensorEngine
import Training

extension TrainingSettings {
  static var object: ObjectType {
    ObjectType(
      "Training", "How the model is trained: `base_epochs` on clean images, then `epochs` of the method.",
      variants: Variants(
        "method", MethodCatalogue.all.map(\.variant), default: MethodCatalogue.usual.name,
        help: "How the weights learn."),
      fields: [
        TrainingRecipe.field,
        Field(
          "base_epochs", .integer(0...mostEpochs),
          help:
            "Epochs of standard training, which make the base model. By default a tenth of `epochs` where those are left out too, otherwise 2."
        ),
        Field(
          "epochs", .integer(0...mostEpochs),
          help: "Epochs of the method. By default as many as make 2,000 updates, at least 10 and at most 60."),
        Field(
          "batch_size", .integer(1...65_536),
          help: "Examples of an update. By default 128, or what is chosen with the optimiser."),
        Field(
          "accumulate", .integer(1...65_536),
          help: """
            In how many parts, at least, the batch of an update passes through the network; their gradients are added up, in less memory. A \
            part is a power of two of shards (32 images, fewer of large ones), so there are no more parts than shards. Batch norm takes the \
            statistics of each part; without it no bit depends on this. By default 1, or as many as the memory of the service asks for.
            """),
        Field(
          "freeze", .list(.text(1...200), count: 0...100), default: [],
          help: """
            Patterns of the names of weights that are not learnt, such as `features.*`: `*` stands for any characters, `?` for one. The running \
            statistics of batch norm go by `bn_statistics`.
            """),
        Field(
          "bn_statistics", .choice(BatchNormStatistics.self), default: "update",
          help: """
            Batch norm in training: by the statistics of the batch, which its running ones take in, or by the running ones of `model.init`, \
            `frozen` as they are.
            """),
        Field(
          "adversarial_fraction", .number(0...1), default: 1.0, help: "The part of each batch that is attacked; the rest stays clean."),
        Field(
          "bn_in_attack", .choice(BatchNormInAttack.self), default: "eval",
          help: "Which statistics batch norm uses in the attack: the running ones, or those of the batch under attack."),
        Field(
          "optimizer", .object(OptimizerSettings.object),
          help: """
            What changes the weights. Left out, it is chosen by the kind of the network, and with it whatever of `batch_size`, `clip_norm`, \
            `learning_rate_warmup` and `epsilon_warmup` is left out too; `?validate_only=true` shows what, and why.
            """),
        Field("schedule", .object(Schedule.object), default: [:], help: "How the learning rate changes within each stage."),
        Field(
          "learning_rate_warmup", .number(0..<1),
          help:
            "By default 0, or what is chosen with the optimiser. The part of each stage over which the learning rate rises in a line from 0; the schedule runs over the rest."
        ),
        Field(
          "epsilon_warmup", .number(0...1),
          help: """
            By default 0, or what is chosen with the optimiser. The part of the retraining over which epsilon rises in a line from 0 to the threat's, and the step size and every other length of \
            the attack with it.
            """),
        Field(
          "clip_norm", .number(above: 0),
          help:
            "Scales the gradient of all weights together down to this norm where it is longer (`clip_grad_norm_`); by default never, or 1 where the optimiser is chosen."
        ),
        Field(
          "label_smoothing", .number(0..<1), default: 0.0,
          help: """
            The part of each label that is spread evenly over all classes in the cross-entropy that is learnt from, as PyTorch's \
            `label_smoothing`; attacks and measurements go by the labels as they are.
            """),
        Field(
          "augment", .list(.object(Augmentation.object), count: 0...Augmentation.most), default: [],
          help: "What is done to the images that are trained on, in this order, before they are attacked; drawn anew in each epoch."),
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

  /// What stands for the fields whose defaults are chosen, where only a document is read.
  static let unchosen: JSONObject = {
    var values: JSONObject = ["base_epochs": 2, "epochs": 10, "batch_size": 128, "learning_rate_warmup": 0.0, "epsilon_warmup": 0.0]
    values["optimizer"] = .object(FieldReader().object([:], as: OptimizerSettings.object).object)
    return values
  }()

  private static var average: ObjectType {
    ObjectType(
      "Average", "Averages of the weights.",
      fields: [
        Field(
          "ema", .number(between: 0, and: 1),
          help: """
            The decay τ of an exponential moving average of the weights, such as 0.995: after update t of a stage it is min(τ, (1 + t)/(10 + \
            t)), and the running statistics of batch norm are copied. Raw and averaged weights are both measured after each epoch and both \
            candidates for the best; the averaged ones are the checkpoint `averaged` too. By default weights are not averaged.
            """)
      ])
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
    learningRateWarmup = values.number("learning_rate_warmup")
    epsilonWarmup = values.number("epsilon_warmup")
    clipNorm = values.optionalNumber("clip_norm")
    labelSmoothing = values.number("label_smoothing")
    augment = values.sections("augment").map(Augmentation.init)
    averageDecay = values.section("average").optionalNumber("ema")
    // `SpecCheck` puts there what the memory asks for.
    accumulate = values.optionalInteger("accumulate") ?? 1
    freeze = values.list("freeze")
    batchNormStatistics = values.word("bn_statistics")
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
    checkWarmups(log)
    if method.bounds != nil { checkBounds(log) }
    if batchNormStatistics == .frozen, batchNormInAttack == .train, log.isClean("/training/bn_in_attack") {
      log.add(
        "/training/bn_in_attack", .conflict,
        "the statistics of batch norm are frozen, and an attack by those of the batch is on another network; make it eval")
    }
    if select == .averaged, averageDecay == nil, log.isClean("/training/average") {
      log.add(
        "/training/select", .conflict, "there are no averaged weights to select; give training.average.ema a decay such as 0.995")
    }
  }

  /// What interval bounds leave no room for.
  private func checkBounds(_ log: FaultLog) {
    if epsilonWarmup > 0, log.isClean("/training/epsilon_warmup") {
      log.add(
        "/training/epsilon_warmup", .conflict, "the method \(method.name) has a rise of epsilon of its own, in its settings; leave it out")
    }
    if accumulate > 1, log.isClean("/training/accumulate") {
      log.add(
        "/training/accumulate", .conflict, "interval bounds have a penalty that takes in a whole batch; choose a smaller batch_size instead"
      )
    }
  }

  private func checkWarmups(_ log: FaultLog) {
    if learningRateWarmup > 0, schedule.warmsUp, log.isClean("/training/schedule") {
      log.add(
        "/training/learning_rate_warmup", .conflict,
        "the schedule begins with a rise of the rate already; leave learning_rate_warmup out, or choose constant, cosine or step")
    }
    if epsilonWarmup > 0, !attacks, log.isClean("/training/method"), log.isClean("/training/adversarial_fraction") {
      log.add("/training/epsilon_warmup", .conflict, "nothing is attacked in this training, so there is no epsilon to rise; leave it out")
    }
  }

  /// What is done to images must fit those of the data set.
  func check(_ shape: Shape, _ log: FaultLog) {
    for (index, augmentation) in augment.enumerated() {
      let pointer = "/training/augment/\(index)"
      guard log.isClean(pointer), let fault = augmentation.fault(on: shape) else { continue }
      log.add(pointer + "/" + fault.field, .doesNotFit, fault.detail)
    }
  }

  /// Patterns must match weights of the network, and leave some to be learnt.
  func check(_ layout: ParameterLayout, _ log: FaultLog) {
    guard log.isClean("/training/freeze") else { return }
    let frozen = FrozenWeights(freeze, of: layout)
    for index in frozen.unmatched {
      let pattern = freeze[index]
      let names = layout.parameters.filter(\.isTrained).map(\.name)
      let hint = names.contains { $0.hasPrefix(pattern + ".") } ? "did you mean \(pattern).*?" : "they are called \(Self.some(names))"
      log.add("/training/freeze/\(index)", .conflict, "\"\(pattern)\" matches no weight that this network learns; \(hint)")
    }
    if frozen.learnt.isEmpty {
      log.add("/training/freeze", .conflict, "leaves no weight to be learnt; leave some out")
    }
  }

  private static func some(_ names: [String]) -> String {
    names.count > 6 ? (names.prefix(3) + ["…"] + names.suffix(2)).joined(separator: ", ") : names.joined(separator: ", ")
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
