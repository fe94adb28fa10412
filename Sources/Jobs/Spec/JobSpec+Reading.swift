import Attacks
import JSON
import Models
import Robustness
import Training

extension JobSpec {
  /// Reads a spec, completing it with every default.
  ///
  /// - Throws: `SpecFaults` with everything that is wrong.
  package init(reading document: JSONValue, origin: Origin = .http) throws(SpecFaults) {
    let (spec, faults) = Self.read(document, origin: origin)
    guard faults.isEmpty else { throw SpecFaults(faults) }
    self = spec
  }

  /// The spec, with defaults in the place of what is wrong, and every fault of it by itself; what depends on images and weights is checked
  /// by `SpecCheck`.
  static func read(_ document: JSONValue, origin: Origin) -> (spec: JobSpec, faults: [FieldFault]) {
    let reader = FieldReader()
    let resolved = TrainingRecipe.resolved(document)
    let given = origin == .http ? withoutPaths(resolved, reader.log) : resolved
    let spec = JobSpec(reader.object(given, as: object))
    spec.check(reader.log, leavesAttacksOpen: leavesAttacksOpen(document))
    if spec.generation != nil { checkSilence(document, reader.log) }
    return (spec, reader.log.faults)
  }

  /// A job that makes images has no result to question or to judge.
  private static func checkSilence(_ document: JSONValue, _ log: FaultLog) {
    for name in ["evaluation", "gates"] where ![.null, [], [:]].contains(document[name] ?? .null) && log.isClean("/\(name)") {
      log.add("/\(name)", .conflict, "a job of kind generate makes images and judges nothing; leave \(name) out, or make the kind evaluate")
    }
  }

  /// Whether a document names no attacks of its evaluation, so that `SpecCheck` chooses them.
  static func leavesAttacksOpen(_ document: JSONValue) -> Bool { (document["evaluation"]?["attacks"] ?? .null) == .null }

  /// Files of this machine are not for those who come over the network.
  private static func withoutPaths(_ document: JSONValue, _ log: FaultLog) -> JSONValue {
    ["path", "format", "resize"].reduce(document) { document, field in
      guard let value = document["dataset"]?[field], value != .null else { return document }
      let pointer = "/dataset/\(field)"
      log.add(pointer, .notAllowed, "only temper run takes a dataset by path; upload it with POST /v1/datasets and give its id")
      return document.setting(pointer, to: nil)
    }
  }

  private init(_ given: FieldValues) {
    let epsilon = given.section("threat").number("epsilon")
    var values = given
    let generating = given.optionalSection("generation").map(GenerationSection.init)
    if !values.section("evaluation").has("curve") {
      let curve = JSONValue.array(EvaluationSection.usualCurve(epsilon).map(JSONValue.number))
      values = values.setting("/evaluation/curve", to: curve)
    }
    // What `SpecCheck` puts there knows the network; this stands where only a document is read.
    if !given.section("evaluation").has("attacks") {
      let usual = EvaluationSettings.standardAttacks.map { $0.json(for: .evaluation) }
      values = values.setting("/evaluation/attacks", to: .array(usual))
    }
    // The same: `EvidenceChoice` knows how many images there are.
    if !given.section("evaluation").has("evidence") { values = values.setting("/evaluation/evidence", to: true) }
    // The same: `SpecCheck` knows what fits into the memory.
    if given.optionalSection("training").map({ !$0.has("accumulate") }) ?? false {
      values = values.setting("/training/accumulate", to: 1)
    }
    // The same: `DefaultTraining` knows the images and the network.
    if let training = given.optionalSection("training") {
      for (name, value) in TrainingSettings.unchosen.members where !training.has(name) {
        values = values.setting("/training/\(name)", to: value)
      }
    }
    if let certify = given.section("evaluation").optionalSection("certify"), certify.object["sigma"] != nil, !certify.has("radii") {
      let radii = CertificateSettings.usualRadii(sigma: certify.number("sigma"), Threat(given.section("threat")))
      values = values.setting("/evaluation/certify/radii", to: .array(radii.map(JSONValue.number)))
    }
    if generating != nil { values = values.setting("/evaluation", to: .null).setting("/gates", to: []) }
    json = .object(values.object)
    generation = generating
    name = values.optionalText("name")
    labels = values.texts("labels")
    kind = values.word("kind")
    dataset = DatasetSection(values.section("dataset"))
    model = ModelSection(values.section("model"))
    threat = Threat(values.section("threat"))
    let validationFraction = dataset.validationFraction
    training = values.optionalSection("training").map { TrainingSettings($0, validationFraction: validationFraction) }
    evaluation = generating.map(EvaluationSection.init) ?? EvaluationSection(values.section("evaluation"))
    gates = values.sections("gates").map(Gate.init)
    precision = values.word("precision")
    seed = UInt64(values.integer("seed"))
    priority = values.integer("priority")
    resources = Resources(values.section("resources"))
    after = values.optionalText("after")
  }

  /// What no field can see by itself.
  private func check(_ log: FaultLog, leavesAttacksOpen: Bool) {
    model.check(log)
    threat.check(log)
    training?.check(log)
    if let recipe = json["training"]?["recipe"]?.string, log.isClean("/training/method"), log.isClean("/training/recipe") {
      log.add("/training/recipe", .conflict, "the recipe \(recipe) chooses the method; leave recipe out, or method")
    }
    if training?.batchNormStatistics == .frozen, model.initial == nil, log.isClean("/model/init") {
      log.add(
        "/training/bn_statistics", .conflict,
        "a network that begins at random has no statistics to keep; give model.init, or leave bn_statistics at update")
    }
    if kind != .train, model.initial == nil, log.isClean("/model/init") {
      log.add("/model/init", .required, "a job of kind \(kind.rawValue) needs the weights to \(use): an mdl_… or ckpt_…")
    }
    if let training, !training.method.takes(precision), log.isClean("/precision"), log.isClean("/training/method") {
      log.add(
        "/precision", .conflict,
        "the method \(training.method.name) learns from small differences of gradients, which bfloat16 rounds away; choose mixed or fp32")
    }
    if let training, training.attackSource == .base, training.baseEpochs == 0, model.initial == nil, log.isClean("/training") {
      log.add(
        "/training/attack/source", .conflict,
        "base_epochs is 0 and model.init names no weights, so there is no base model to make images from; train one, or name it")
    }
    if let training, training.attacks { checkNorm(of: training.attack, against: threat, at: "/training/attack", log) }
    if let generation { checkNorm(of: generation.attack, against: threat, at: "/generation/attack", log) }
    for (index, attack) in evaluation.attacks.enumerated() where generation == nil {
      checkNorms(of: attack, at: "/evaluation/attacks/\(index)", log)
    }
    checkThreats(log)
    if let labels = evaluation.baselineLabels, labels.labels == nil, log.isClean("/evaluation/baseline") {
      log.add(
        "/evaluation/baseline", .outOfRange, "must name labels as {\"label.branch\": \"main\"}: at least one, each name behind label.")
    }
    if let refusal = evaluation.certificate?.refusal(of: threat), log.isClean("/evaluation/certify"), log.isClean("/threat") {
      log.add("/evaluation/certify/method", .conflict, refusal)
    }
    GateCheck(spec: self, attacks: leavesAttacksOpen ? Array(DefaultEvaluation.candidates.joined()) : evaluation.attacks, log: log)
      .checkAll()
    if kind != .train, precision != .fp32, log.isClean("/precision") {
      log.add(
        "/precision", .conflict,
        "an evaluation is computed in fp32, whatever the model was trained in; leave precision out of a job of kind \(kind.rawValue)")
    }
  }

  /// What the weights of a job that does not train are for.
  private var use: String { kind == .generate ? "attack" : "evaluate" }

  private func checkThreats(_ log: FaultLog) {
    var known = [threat]
    for (index, further) in evaluation.threats.enumerated() {
      let pointer = "/evaluation/threats/\(index)"
      further.check(log, at: pointer)
      if known.contains(further), log.isClean(pointer), log.isClean("/threat") {
        log.add(pointer, .conflict, "\(further.norm.rawValue) \(further.epsilon) is there already; name each threat once")
      }
      known.append(further)
    }
  }

  /// An evaluation runs each attack against each threat.
  private func checkNorms(of attack: AttackSettings, at pointer: String, _ log: FaultLog) {
    for threat in [threat] + evaluation.threats { checkNorm(of: attack, against: threat, at: pointer, log) }
  }

  private func checkNorm(of attack: AttackSettings, against threat: Threat, at pointer: String, _ log: FaultLog) {
    let norms = attack.definition.norms
    guard !norms.contains(threat.norm), log.isClean(pointer), log.isClean("/threat/norm"), log.isClean("/evaluation/threats") else {
      return
    }
    log.add(
      pointer + "/name", .conflict,
      """
      \(attack.name) is an attack in \(norms.map(\.rawValue).joined(separator: ", ")), and a threat's norm is \(threat.norm.rawValue); choose \
      another attack or norm
      """)
  }
}
