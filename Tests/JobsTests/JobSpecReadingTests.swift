import JSON
import Jobs
import Robustness
import Testing

@Suite struct JobSpecReadingTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    let pointer: String
    let value: JSONValue?
    let code: FieldFault.Code
    /// The pointer of the fault, if it is not that of the field.
    let at: String?
    /// What the sentence must say.
    let says: String

    init(_ pointer: String, _ value: JSONValue?, _ code: FieldFault.Code, at: String? = nil, says: String = "") {
      self.pointer = pointer
      self.value = value
      self.code = code
      self.at = at
      self.says = says
    }

    var testDescription: String { "\(pointer) = \(value?.serialised() ?? "nothing"): \(code.rawValue)" }
  }

  static let table: [Fault] = [
    // Required and unknown fields.
    Fault("/dataset", nil, .required), Fault("/model", nil, .required), Fault("/threat", nil, .required),
    Fault("/dataset/id", nil, .required), Fault("/model/architecture", nil, .required), Fault("/threat/norm", nil, .required),
    Fault("/threat/epsilon", nil, .required),
    Fault("/threat/epsilom", 0.1, .unknownField, says: "did you mean epsilon?"),
    Fault("/sede", 1, .unknownField, says: "did you mean seed?"),
    Fault("/a~1b", 1, .unknownField), Fault("/a~01b", 1, .unknownField, says: "\"a~1b\""),
    Fault("/training/attack/restarts", 2, .unknownField), Fault("/training/learning_rate", 0.1, .unknownField),
    Fault("/model/hidden", [10], .unknownField), Fault("/dataset/name", "x", .unknownField),
    // Types.
    Fault("/name", 5, .wrongType, says: "a string"), Fault("/labels", [], .wrongType), Fault("/labels/a", 1, .wrongType),
    Fault("/dataset", "digits", .wrongType), Fault("/threat/epsilon", "0.1", .wrongType, says: "write the number without quotes"),
    Fault("/threat/epsilon", "8/0", .outOfRange, says: "nothing is divided by 0"),
    Fault("/threat/epsilon", "-8/255", .outOfRange, says: "a finite number of at least 0.0, not \"-8/255\""),
    Fault("/threat/epsilon", "1e400/2", .wrongType, says: "a fraction of two whole numbers such as \"8/255\""),
    Fault("/threat/epsilon", "300/255", .outOfRange, says: "from 0 to 1 in linf"),
    Fault("/evaluation/curve", ["1/0"], .outOfRange, at: "/evaluation/curve/0"),
    Fault("/training/attack/step_size", "0/255", .outOfRange, says: "above 0.0"),
    Fault("/evaluation/attacks", [["name": "adam", "step_size": "1/100"]], .wrongType, at: "/evaluation/attacks/0/step_size"),
    Fault("/seed", 1.5, .wrongType),
    Fault("/training", 3, .wrongType), Fault("/training/epochs", true, .wrongType), Fault("/training/epochs", "10", .wrongType),
    Fault("/training/attack/random_start", 1, .wrongType), Fault("/evaluation/attacks", ["name": "pgd"], .wrongType),
    Fault("/evaluation/attacks", ["pgd"], .wrongType, at: "/evaluation/attacks/0"),
    Fault("/evaluation/curve", ["a"], .wrongType, at: "/evaluation/curve/0"), Fault("/gates", 1, .wrongType),
    Fault("/model/layers", 1, .conflict), Fault("/kind", 1, .wrongType),
    // Ranges.
    Fault("/threat/epsilon", -0.1, .outOfRange), Fault("/threat/epsilon", 8, .outOfRange, says: "8/255"),
    Fault("/dataset/validation_fraction", 1.0, .outOfRange), Fault("/dataset/limit", 0, .outOfRange), Fault("/seed", -1, .outOfRange),
    Fault("/training/base_epochs", -1, .outOfRange), Fault("/training/epochs", 1_000_000_000, .outOfRange),
    Fault("/training/batch_size", 0, .outOfRange), Fault("/training/batch_size", 1_000_000, .outOfRange),
    Fault("/training/adversarial_fraction", 1.1, .outOfRange), Fault("/training/attack/steps", 0, .outOfRange),
    Fault("/training/attack/step_size", 0, .outOfRange), Fault("/training/optimizer/learning_rate", 0, .outOfRange),
    Fault("/training/optimizer/momentum", 1, .outOfRange), Fault("/training/early_stop_patience", 0, .outOfRange),
    Fault("/training/schedule", ["name": "cyclic", "peak": 1], .outOfRange, at: "/training/schedule/peak"),
    Fault("/training/schedule", ["name": "step", "milestones": [6, 6]], .outOfRange, at: "/training/schedule/milestones"),
    Fault("/training/schedule", ["name": "step", "milestones": [50]], .conflict, at: "/training/schedule/milestones"),
    Fault("/training/schedule", ["name": "step"], .required, at: "/training/schedule/milestones"),
    Fault("/evaluation/samples", 0, .outOfRange), Fault("/evaluation/curve", [-0.1], .outOfRange, at: "/evaluation/curve/0"),
    Fault("/evaluation/attacks", [["name": "pgd", "restarts": 0]], .outOfRange, at: "/evaluation/attacks/0/restarts"),
    Fault("/gates", [["metric": "robust_accuracy", "min": 60]], .outOfRange, at: "/gates/0/min", says: "from 0.0 to 1.0"),
    Fault("/gates", [["metric": "robust_accuracy", "min": -2]], .outOfRange, at: "/gates/0/min"),
    Fault("/gates", [["metric": "clean_accuracy", "max": 1.5]], .outOfRange, at: "/gates/0/max"),
    Fault("/gates", [["metric": "clean_accuracy"]], .required, at: "/gates/0/min"),
    Fault("/gates", [["metric": "clean_accuracy", "min": 0.1, "max": 0.9]], .conflict, at: "/gates/0/max", says: "two gates"),
    Fault("/priority", 5_000, .outOfRange), Fault("/resources/threads", 0, .outOfRange), Fault("/resources/max_seconds", 0, .outOfRange),
    Fault("/name", "", .outOfRange),
    // Values of the contract.
    Fault("/kind", "trian", .notAllowed, says: "did you mean train?"), Fault("/threat/norm", "l3", .notAllowed),
    Fault("/precision", "fp16", .notAllowed, says: "fp32"),
    Fault("/training", ["method": "trades", "settings": ["beta": -1]], .outOfRange, at: "/training/settings/beta", says: "from 0.0"),
    Fault("/training", ["method": "trades", "settings": ["beta": "6"]], .wrongType, at: "/training/settings/beta"),
    Fault("/training", ["method": "trades", "settings": ["bata": 6]], .unknownField, at: "/training/settings/bata", says: "mean beta?"),
    Fault(
      "/training", ["method": "trades", "settings": ["lambda": 6]], .unknownField, at: "/training/settings/lambda",
      says: "has no setting \"lambda\"; it belongs to alp, gradalign, input_gradient"),
    Fault("/training", ["method": "awp", "settings": ["on": "mart"]], .notAllowed, at: "/training/settings/on", says: "pgd, trades"),
    Fault("/training", ["method": "awp", "settings": ["beta": 6]], .conflict, at: "/training/settings/beta", says: "set on to trades"),
    Fault(
      "/training", ["method": "awp", "epochs": 4, "settings": ["warmup_epochs": 4]], .conflict, at: "/training/settings/warmup_epochs",
      says: "never be perturbed"),
    Fault("/training", ["method": "awp", "settings": ["gamma": -0.1]], .outOfRange, at: "/training/settings/gamma"),
    Fault("/training", ["method": "free", "settings": ["replays": 0]], .outOfRange, at: "/training/settings/replays"),
    Fault(
      "/training", ["settings": ["beta": 6]], .unknownField, at: "/training/settings/beta", says: "the method pgd has no setting \"beta\""),
    Fault("/training", ["settings": ["beta": 6]], .unknownField, at: "/training/settings/beta", says: "belongs to trades"),
    Fault("/training/settings", 6, .wrongType),
    Fault("/training/method", "pdg", .notAllowed, says: "did you mean pgd?"),
    Fault("/training/augment", ["flip"], .wrongType, at: "/training/augment/0"),
    Fault("/training/augment", [["type": "flop"]], .notAllowed, at: "/training/augment/0/type", says: "did you mean flip?"),
    Fault("/training/augment", [[:]], .required, at: "/training/augment/0/type"),
    Fault("/training/augment", [["type": "random_crop", "padding": 0]], .outOfRange, at: "/training/augment/0/padding"),
    Fault("/training/augment", [["type": "flip", "probability": 1.5]], .outOfRange, at: "/training/augment/0/probability"),
    Fault("/training/augment", [["type": "flip"], ["type": "cutout", "side": 3]], .unknownField, at: "/training/augment/1/side"),
    Fault("/training/average/ema", 1, .outOfRange), Fault("/training/average/ema", 0, .outOfRange),
    Fault("/training/average", ["ma": 0.9], .unknownField, at: "/training/average/ma", says: "did you mean ema?"),
    Fault("/training/select", "best", .notAllowed), Fault("/training/select", "averaged", .conflict, says: "training.average.ema"),
    Fault("/training/accumulate", 0, .outOfRange), Fault("/training/freeze", "0.*", .wrongType),
    Fault("/training/freeze", ["", "0.*"], .outOfRange, at: "/training/freeze/0"),
    Fault("/training/bn_statistics", "eval", .notAllowed, says: "frozen"),
    Fault("/training/bn_statistics", "frozen", .conflict, says: "model.init"),
    Fault("/training/clip_norm", 0, .outOfRange), Fault("/training/label_smoothing", 1, .outOfRange),
    Fault("/training/epsilon_warmup", 1.1, .outOfRange), Fault("/training/learning_rate_warmup", 1, .outOfRange),
    Fault(
      "/training", ["method": "standard", "epsilon_warmup": 0.4], .conflict, at: "/training/epsilon_warmup", says: "nothing is attacked"),
    Fault(
      "/training", ["schedule": ["name": "one_cycle"], "learning_rate_warmup": 0.1], .conflict, at: "/training/learning_rate_warmup",
      says: "begins with a rise"),
    Fault("/training/schedule", ["name": "one_cycle", "pct_start": 1], .outOfRange, at: "/training/schedule/pct_start"),
    Fault("/training/schedule", ["name": "one_cycle", "div_factor": 0.5], .outOfRange, at: "/training/schedule/div_factor"),
    Fault("/training/schedule", ["name": "one_cycle", "anneal_strategy": "sine"], .notAllowed, at: "/training/schedule/anneal_strategy"),
    Fault("/evaluation/attacks", [["name": "autoattack", "version": "plus"]], .notAllowed, at: "/evaluation/attacks/0/version"),
    Fault("/evaluation/attacks", [["name": "autoattack", "restarts": 2]], .unknownField, at: "/evaluation/attacks/0/restarts"),
    Fault("/evaluation/attacks", [["name": "square", "eot_samples": 2]], .unknownField, at: "/evaluation/attacks/0/eot_samples"),
    Fault("/training/attack/eot_samples", 2, .unknownField),
    Fault("/training", ["attack": ["name": "autoattack"]], .conflict, at: "/training/attack/name", says: "a sequence of attacks"),
    Fault(
      "/training", ["method": "fgsm", "attack": ["name": "autoattack"]], .conflict, at: "/training/attack/name", says: "such as fgsm"),
    Fault("/evaluation/budget_seconds", 0, .outOfRange, says: "above 0"), Fault("/evaluation/budget_seconds", "1m", .wrongType),
    Fault("/evaluation/threats", ["norm": "l2", "epsilon": 1], .wrongType),
    Fault("/evaluation/threats", [["norm": "l2"]], .required, at: "/evaluation/threats/0/epsilon"),
    Fault("/evaluation/threats", [["norm": "linf", "epsilon": 2]], .outOfRange, at: "/evaluation/threats/0/epsilon", says: "8/255"),
    Fault(
      "/evaluation/threats", [["norm": "linf", "epsilon": 0.1]], .conflict, at: "/evaluation/threats/0", says: "name each threat once"),
    Fault(
      "/evaluation", ["attacks": [["name": "cw"]], "threats": [["norm": "l2", "epsilon": 1]]], .conflict, at: "/evaluation/attacks/0/name"),
    Fault("/evaluation/attacks", [["name": "mifgms"]], .notAllowed, at: "/evaluation/attacks/0/name", says: "did you mean mifgsm?"),
    Fault(
      "/evaluation/attacks", [["name": "mifgsm", "decay": 1.5]], .outOfRange, at: "/evaluation/attacks/0/decay", says: "from 0.0 to 1.0"),
    Fault("/evaluation/attacks", [["name": "mifgsm", "decya": 1]], .unknownField, at: "/evaluation/attacks/0/decya", says: "decay?"),
    Fault("/evaluation/attacks", [["name": "pgd", "decay": 1]], .unknownField, at: "/evaluation/attacks/0/decay"),
    Fault("/evaluation/attacks", [["name": "bim", "restarts": 2]], .unknownField, at: "/evaluation/attacks/0/restarts"),
    Fault("/evaluation/attacks", [["name": "bim", "steps": 0]], .outOfRange, at: "/evaluation/attacks/0/steps"),
    Fault("/evaluation/attacks", [["name": "noise", "step_size": 1]], .conflict, at: "/evaluation/attacks/0/step_size"),
    Fault("/evaluation/attacks", [["name": "noise", "random_start": false]], .conflict, at: "/evaluation/attacks/0/random_start"),
    Fault("/evaluation/attacks", [["name": "adam", "random_start": true]], .conflict, at: "/evaluation/attacks/0/random_start"),
    Fault("/evaluation/attacks", [[:]], .required, at: "/evaluation/attacks/0/name"),
    Fault("/model/architecture", "lanet", .notAllowed, says: "did you mean lenet?"),
    Fault("/training/optimizer/name", "rmsprop", .notAllowed),
    Fault("/gates", [["metric": "accuracy", "min": 1]], .notAllowed, at: "/gates/0/metric"),
    Fault("/gates", [["metric": "certified_accuracy", "min": 0.1]], .conflict, at: "/gates/0/metric", says: "evaluation.certify"),
    Fault("/evaluation/certify", ["method": "crown"], .notAllowed, at: "/evaluation/certify/method", says: "ibp, smoothing"),
    Fault("/evaluation/certify", ["method": "ibp", "sigma": 1], .unknownField, at: "/evaluation/certify/sigma"),
    Fault("/evaluation/certify", ["method": "smoothing", "sigma": 0], .outOfRange, at: "/evaluation/certify/sigma"),
    Fault("/evaluation/certify", ["method": "smoothing", "n": 0], .outOfRange, at: "/evaluation/certify/n"),
    Fault("/evaluation/certify", ["method": "smoothing", "alpha": 0.5], .outOfRange, at: "/evaluation/certify/alpha"),
    Fault("/evaluation/certify", ["method": "smoothing", "radii": []], .outOfRange, at: "/evaluation/certify/radii"),
    Fault("/training", ["method": "ibp", "settings": ["ramp": 2]], .outOfRange, at: "/training/settings/ramp"),
    Fault("/training", ["method": "ibp", "attack": ["name": "pgd"]], .conflict, at: "/training/attack", says: "attacks nothing"),
    Fault("/training", ["method": "mtl_ibp", "settings": ["alpha": -1]], .outOfRange, at: "/training/settings/alpha"),
    Fault("/evaluation/baseline", ["branch": "main"], .outOfRange, says: "label.branch"),
    Fault("/evaluation/baseline", ["label.branch": 3], .wrongType, at: "/evaluation/baseline/label.branch"),
    Fault("/evaluation/baseline", 3, .wrongType),
    Fault("/evaluation/order", "last", .notAllowed, says: "first, stratified"),
    Fault("/dataset/path", "/etc", .notAllowed, says: "POST /v1/datasets"),
    // Fields that do not go together.
    Fault("/training", ["base_epochs": 0, "epochs": 0], .conflict, at: "/training/epochs"),
    Fault("/kind", "evaluate", .required, at: "/model/init"),
    Fault("/training", ["method": "standard", "attack": ["steps": 3]], .conflict, at: "/training/attack"),
    Fault("/training", ["method": "fgsm", "attack": ["name": "pgd"]], .conflict, at: "/training/attack/name"),
    Fault("/training", ["method": "fgsm", "attack": ["steps": 3]], .conflict, at: "/training/attack/steps"),
    Fault("/training", ["method": "trades", "attack": ["name": "fgsm"]], .conflict, at: "/training/attack/name", says: "trains on pgd"),
    Fault("/training", ["method": "trades", "attack": ["random_start": false]], .conflict, at: "/training/attack/random_start"),
    Fault("/training", ["method": "mart", "attack": ["random_start": false]], .conflict, at: "/training/attack/random_start"),
    Fault("/training", ["method": "nfgsm", "attack": ["random_start": true]], .conflict, at: "/training/attack/random_start"),
    Fault("/training", ["method": "free", "attack": ["random_start": true]], .conflict, at: "/training/attack/random_start"),
    Fault("/training", ["method": "nfgsm", "attack": ["name": "pgd"]], .conflict, at: "/training/attack/name", says: "trains on fgsm"),
    Fault("/evaluation/attacks", [["name": "cw"]], .conflict, at: "/evaluation/attacks/0/name", says: "an attack in l2"),
    Fault("/training", ["attack": ["name": "cw"]], .conflict, at: "/training/attack/name", says: "an attack in l2"),
    Fault("/gates", [["metric": "robust_accuracy", "attack": "noise", "min": 0.5]], .conflict, at: "/gates/0/attack"),
    Fault("/gates", [["metric": "clean_accuracy", "attack": "pgd", "min": 0.5]], .conflict, at: "/gates/0/attack"),
    Fault(
      "/gates", [["metric": "robust_accuracy", "against": "baseline", "min": 0]], .conflict, at: "/gates/0/against",
      says: "evaluation.baseline"),
    Fault("/gates", [["metric": "worst_class_accuracy", "class": "3", "min": 0.5]], .conflict, at: "/gates/0/class"),
    Fault("/gates", [["metric": "median_distance", "min": 0.5]], .conflict, at: "/gates/0/metric", says: "deepfool"),
    // Layers.
    Fault("/model", ["layers": []], .outOfRange, at: "/model/layers"),
    Fault("/model", ["layers": [["type": "conv", "filters": 4]]], .required, at: "/model/layers/0/kernel"),
    Fault("/model", ["layers": [["type": "batch_nrm"]]], .notAllowed, at: "/model/layers/0/type", says: "batch_norm"),
    Fault("/model", ["layers": [["type": "linear", "units": 10, "size": 2]]], .unknownField, at: "/model/layers/0/size"),
    Fault("/model", ["layers": [["type": "dropout", "rate": 1]]], .outOfRange, at: "/model/layers/0/rate"),
    Fault(
      "/model", ["layers": [["type": "residual", "layers": [["type": "linear", "units": 0]]]]], .outOfRange,
      at: "/model/layers/0/layers/0/units"),
    Fault("/model", ["layers": [["type": "conv", "filters": 4, "kernel": [0, 2]]]], .outOfRange, at: "/model/layers/0/kernel/0"),
    Fault("/model", ["layers": [["type": "conv", "filters": 4, "kernel": [2, "3"]]]], .wrongType, at: "/model/layers/0/kernel/1"),
    Fault("/model", ["architecture": "mlp", "hidden": []], .outOfRange, at: "/model/hidden"),
    Fault("/model/preprocessing", [["type": "blur"]], .notAllowed, at: "/model/preprocessing/0/type"),
    Fault("/model/preprocessing", [["type": "jpeq"]], .notAllowed, at: "/model/preprocessing/0/type", says: "did you mean jpeg?"),
    Fault("/model/preprocessing", [[:]], .required, at: "/model/preprocessing/0/type"),
    Fault("/model/preprocessing", [["type": "bit_depth"]], .required, at: "/model/preprocessing/0/bits"),
    Fault("/model/preprocessing", [["type": "bit_depth", "bits": 9]], .outOfRange, at: "/model/preprocessing/0/bits"),
    Fault("/model/preprocessing", [["type": "median", "size": 4]], .outOfRange, at: "/model/preprocessing/0/size", says: "odd"),
    Fault("/model/preprocessing", [["type": "gaussian_blur", "sigma": 0]], .outOfRange, at: "/model/preprocessing/0/sigma"),
    Fault(
      "/model/preprocessing", [["type": "gaussian_blur", "sigma": 1, "size": 6]], .outOfRange, at: "/model/preprocessing/0/size",
      says: "odd"),
    Fault(
      "/model/preprocessing", [["type": "median"], ["type": "jpeg", "quality": 101]], .outOfRange, at: "/model/preprocessing/1/quality"),
    Fault("/model/preprocessing", [["type": "jpeg", "qualty": 5]], .unknownField, at: "/model/preprocessing/0/qualty", says: "quality?"),
    Fault("/model/preprocessing", [["type": "noise", "sigma": -1]], .outOfRange, at: "/model/preprocessing/0/sigma"),
    Fault("/model/preprocessing", ["type": "jpeg"], .wrongType),
    Fault("/model/normalization", ["mean": [0.1]], .required, at: "/model/normalization/std"),
    Fault("/model/normalization", ["mean": [0.1], "std": [0]], .outOfRange, at: "/model/normalization/std/0"),
  ]

  @Test("each fault is noted where it is, with its code", arguments: table)
  func faults(_ fault: Fault) throws {
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: Specs.smallest.setting(fault.pointer, to: fault.value)) }
    let found = error.faults.first { $0.pointer == fault.at ?? fault.pointer && $0.code == fault.code }
    #expect(found != nil, "noted instead: \(error.faults)")
    if let found, !fault.says.isEmpty { #expect(found.detail.contains(fault.says), "\(found.detail)") }
  }

  @Test("numbers of pixels may be fractions as text, and the completed spec shows the number") func pixels() throws {
    let document = Specs.smallest.setting("/threat/epsilon", to: "8/255").setting("/evaluation/curve", to: [0, "4/255", 0.5])
      .setting("/training/attack/step_size", to: "2/255").setting("/evaluation/attacks", to: [["name": "pgd", "step_size": "1/255"]])
    let spec = try JobSpec(reading: document)
    #expect(spec.threat.epsilon == 8.0 / 255)
    #expect(spec.json["threat"]?["epsilon"] == .number(8.0 / 255))
    #expect(spec.evaluation.curve == [0, 4.0 / 255, 0.5])
    #expect(spec.training?.attack.stepSize == 2.0 / 255)
    #expect(spec.evaluation.attacks.map(\.stepSize) == [1.0 / 255])
    #expect(try JobSpec(reading: spec.json) == spec)
  }

  @Test("faults do not hide one another: a data set, a network and a threat that cannot be made out come together") func placeholders()
    throws
  {
    let document: JSONValue = [
      "dataset": ["id": 5], "model": ["layers": [["type": "conv", "filters": 0]]], "threat": ["norm": "l2"], "gates": [["min": -2]],
      "training": ["method": "of no name", "epochs": -1],
    ]
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: document) }
    #expect(
      Set(error.faults.map(\.pointer)) == [
        "/dataset/id", "/model/layers/0/filters", "/model/layers/0/kernel", "/threat/epsilon", "/gates/0/metric", "/gates/0/min",
        "/training/method", "/training/epochs",
      ])
  }

  @Test("beside an attack of another method, its own fields are not held against it") func attackOfAnotherMethod() throws {
    let document = Specs.smallest.setting("/training", to: ["method": "fgsm", "attack": ["name": "pgd", "steps": 5]])
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: document) }
    #expect(error.faults.map(\.pointer) == ["/training/attack/name"])
    #expect(error.faults.map(\.detail) == ["the method fgsm trains on fgsm; for pgd choose the method pgd"])
  }

  @Test("all faults of a spec come at once")
  func all() throws {
    let document = Specs.smallest.setting("/threat/epsilon", to: -1).setting("/threat/norm", to: "l9").setting("/trainng", to: 1)
      .setting("/training/epochs", to: "ten").setting("/model/architecture", to: "lanet")
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: document) }
    #expect(
      Set(error.faults.map(\.pointer)) == ["/threat/epsilon", "/threat/norm", "/trainng", "/training/epochs", "/model/architecture"])
  }

  @Test("beside an attack that there is not, only fields that no attack has are refused")
  func unknownAttack() throws {
    let attack: JSONValue = ["name": "pdg", "decay": 0.5, "steps": "ten", "stepps": 3]
    let error = try #require(throws: SpecFaults.self) {
      try JobSpec(reading: Specs.smallest.setting("/evaluation", to: ["attacks": [attack]]))
    }
    #expect(Set(error.faults.map(\.pointer)) == Set(["name", "steps", "stepps"].map { "/evaluation/attacks/0/\($0)" }))
  }

  @Test("beside a method that there is not, the settings of any may stand")
  func unknownMethod() throws {
    let training: JSONValue = ["method": "tardes", "settings": ["beta": 3]]
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: Specs.smallest.setting("/training", to: training)) }
    #expect(error.faults.map(\.pointer) == ["/training/method"])
    #expect(error.faults[0].detail.contains("did you mean trades?"))
  }

  @Test("the settings of a method are written out, and read again to the same spec")
  func methodSettings() throws {
    let usual = try JobSpec(reading: Specs.smallest.setting("/training", to: ["method": "trades"]))
    #expect(usual.json["training"]?["settings"] == ["beta": 6.0])
    #expect(usual.json["training"]?["attack"]?["steps"] == 10)
    let own = try JobSpec(reading: Specs.smallest.setting("/training", to: ["method": "trades", "settings": ["beta": 1]]))
    #expect(own.training?.methodSettings["beta"] == .number(1) && own != usual)
    for spec in [usual, own] { #expect(try JobSpec(reading: spec.json) == spec) }
    let plain = try JobSpec(reading: Specs.smallest.setting("/training", to: ["settings": [:]]))
    #expect(try JobSpec(reading: Specs.smallest).training == plain.training)
    #expect(try JobSpec(reading: Specs.smallest).json["training"]?["settings"] == nil)
  }

  @Test("a document that is no object has one fault")
  func noObject() throws {
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: [1]) }
    #expect(error.faults.map(\.pointer) == [""])
    #expect(error.faults.map(\.code) == [.wrongType])
  }

  @Test("null stands for a field that is left out, and 10.0 for 10")
  func leniency() throws {
    let spec = try JobSpec(
      reading: Specs.smallest.setting("/training", to: nil).setting("/seed", to: .number(10)).setting("/gates", to: .null))
    #expect(spec.seed == 10)
    #expect(spec.gates.isEmpty)
  }

  @Test("only the command line names a data set by path")
  func paths() throws {
    let document = Specs.smallest.setting("/dataset", to: ["path": "../mnist", "format": "idx"])
    let spec = try JobSpec(reading: document, origin: .commandLine)
    #expect(spec.dataset.reference == .path("../mnist", format: .idx))
    let error = try #require(throws: SpecFaults.self) { try JobSpec(reading: document, origin: .http) }
    #expect(error.faults.contains { $0.pointer == "/dataset/path" && $0.code == .notAllowed })
  }
}
