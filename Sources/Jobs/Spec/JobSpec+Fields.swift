import Attacks
import Datasets
import JSON
import Robustness
import TensorEngine
import Training

extension JobSpec {
  /// The spec as an object of a document: what the API takes, what its schema says, and how a completed spec is written.
  package static let object = ObjectType(
    "JobSpec", "What a job is to do. Only `dataset`, `model` and `threat` are required.",
    variants: Variants(
      "kind",
      [
        Variants.Variant(
          "train", "Trains a model, and evaluates it before and after.",
          [Field("training", .object(TrainingSettings.object), default: [:], help: "How the model is trained.")]),
        Variants.Variant(
          "evaluate", "The robustness of `model.init`, without training.",
          [Field("training", .only(.null, .conflict, noTraining("evaluate")), help: "None.")]),
        Variants.Variant(
          "generate", "Adversarial images of a data set against `model.init`, as a new data set.",
          [
            Field("training", .only(.null, .conflict, noTraining("generate")), help: "None."),
            Field("generation", .object(GenerationSection.object), default: [:], help: "How the images are made."),
          ]),
      ], default: "train", help: "What the job does."),
    fields: [
      Field("name", .text(1...200), help: "What to call it."),
      Field(
        "labels", .texts(TextMap(("label", "labels"), count: 64, nameLength: 1...63, valueLength: 0...255)), default: [:],
        help: "What to find it by: `GET /v1/jobs?label.KEY=VALUE`."),
      Field("dataset", .object(DatasetSection.object), .required, help: "The images."),
      Field("model", .object(ModelSection.object), .required, help: "The network."),
      Field("threat", .object(Threat.object), .required, help: "What an adversary may do."),
      Field(
        "evaluation", .object(EvaluationSection.object), default: [:], help: "How the result is questioned; not of a job of kind generate."),
      Field("gates", .list(.object(Gate.object), count: 0...64), default: [], help: "Bounds that the result must reach."),
      Field(
        "precision", .choice(Precision.self), default: "fp32",
        help: "`mixed` computes attacks in bfloat16, `bf16` the learning too; refused where the processor does not multiply bfloat16."),
      Field("seed", .integer(0...Int.max), default: 0, help: "The same spec and seed give the same weights, bit by bit."),
      Field("priority", .integer(-1_000...1_000), default: 0, help: "Higher goes first among the jobs of an owner; owners take turns."),
      Field(
        "after", .text(1...100),
        help: "A job (`job_…`) that must have succeeded first; when it fails or is cancelled, this one is `cancelled` with that reason."),
      Field("resources", .object(Resources.object), default: [:], help: "What the job may use."),
    ])

  /// JSON Schema 2020-12 of the same.
  package static var schema: JSONValue { SchemaWriter.document(object, title: "A job of Temper") }

  private static func noTraining(_ kind: String) -> String {
    "a job of kind \(kind) does not train; leave training out, or make the kind train"
  }
}

extension DatasetSection {
  static var object: ObjectType {
    ObjectType(
      "Dataset", "Which images, and how many of them: by `id`, or for `temper run` by `path` and `format`.",
      alternatives: Alternatives(
        [["path", "format"], ["id"]], usual: 1, conflict: "give a dataset's id, or its path and format, not both"),
      fields: [
        Field("id", .text(1...100), .alternative, help: "`digits`, which is built in, or the `ds_…` of an upload."),
        Field("path", .text(1...4_096), .alternative, help: "Files of this machine, relative to the spec."),
        Field("format", .choice(DatasetFormat.self), .alternative, help: "How the files at `path` are written."),
        Field(
          "resize", .extent(1...DatasetOptions.Size.longest), .alternative,
          help: "Height and width to which pictures at `path` are brought; by default they keep their size, which must be one."),
        Field(
          "validation_fraction", .number(0...0.9), default: 0.1,
          help:
            "The part of the training images that is held out to choose the checkpoint by; a data set with a validation part of its own has that."
        ),
        Field(
          "limit", .integer(1...1_000_000_000),
          help: "At most so many training images, drawn with the share of each class kept; by default all."),
      ])
  }

  init(_ values: FieldValues) {
    let resize = values.has("resize") ? values.extent("resize") : nil
    reference =
      values.optionalText("path").map { path in
        .path(path, format: values.word("format"), resize: resize.map { DatasetOptions.Size(height: $0.height, width: $0.width) })
      } ?? .id(values.text("id"))
    validationFraction = values.number("validation_fraction")
    limit = values.optionalInteger("limit")
  }
}

extension Threat {
  static var object: ObjectType {
    ObjectType(
      "Threat", "What an adversary may do to an image.",
      fields: [
        Field("norm", .choice(Norm.self), .required, help: "How the size of a change is measured."),
        Field("epsilon", .number(atLeast: 0, unit: .pixels), .required, help: "The largest change; at most 1 in `linf`."),
      ])
  }

  init(_ values: FieldValues) { self.init(norm: values.word("norm"), epsilon: values.number("epsilon")) }

  func check(_ log: FaultLog, at pointer: String = "/threat") {
    if norm == .linf, epsilon > 1, log.isClean(pointer) {
      log.add(
        pointer + "/epsilon", .outOfRange,
        "must be from 0 to 1 in linf, not \(epsilon): it counts in pixels scaled to [0, 1] (8/255 is 0.03137)")
    }
  }
}

extension EvaluationSection {
  static var object: ObjectType {
    ObjectType(
      "Evaluation", "How the result is questioned.",
      fields: [
        Field(
          "attacks", .list(.object(AttackCatalogue.object(for: .evaluation)), count: 0...32),
          help: """
            The attacks to withstand; by default autoattack where its work fits into `budget_seconds`, otherwise apgd_ce and apgd_t. A \
            completed spec names them.
            """),
        Field(
          "budget_seconds", .number(above: 0, to: 31_536_000, unit: .seconds), default: .number(DefaultEvaluation.usualBudget),
          help: """
            What the evaluation may take where `attacks` are left out. It is held against the work at a fixed speed, on every machine alike, \
            once, when the job is submitted; nothing looks at it later.
            """),
        Field(
          "threats", .list(.object(Threat.object), count: 0...16), default: [],
          help: "Further threats, each to withstand the same attacks; lengths given for the job's norm hold in that norm alone."),
        Field("samples", .integer(1...10_000_000), default: 1_000, help: "At most so many test images."),
        Field(
          "order", .choice(ExampleOrder.self),
          help: "Which test images, where there are more: `first` takes them from the beginning, as most published figures do; "
            + "`stratified` draws them by the seed with the share of each class kept; by default they are drawn by the seed from all, which "
            + "is a fair sample however the test part is sorted."),
        Field(
          "evidence", .boolean,
          help: "Whether the job keeps the misclassified image of each example that falls to an attack, with its clean one, for "
            + "`GET /v1/jobs/JOB/evidence` and `temper verify`; by default where those of all examples would take at most 2 GiB. A completed "
            + "spec says which."),
        Field(
          "curve", .list(.number(atLeast: 0, unit: .pixels), count: 0...64),
          help: "The epsilons of the curve of accuracy; by default thirds of `threat.epsilon`, from 0 to a third beyond it."),
        Field(
          "certify", .object(CertificateSettings.object),
          help: "A proof beside the attacks, with the figure `certified_accuracy`; by default none."),
        Field(
          "adaptive", .boolean, default: true,
          help: """
            Whether attacks see through `model.preprocessing`. The report then shows beside them what the same attacks reach that do not; if \
            false, these alone, and no verdict.
            """),
        Field(
          "baseline", .textOrTexts(1...4_096, WeightLabels.map),
          help: "Weights that stand for \"before\" in the report and that the result is compared with, image by image, as in "
            + "`model.init`, or those of the newest job that succeeded with labels, as `{\"label.branch\": \"main\"}`; by default the job's "
            + "own base model stands there, and nothing is compared."),
      ])
  }

  init(_ values: FieldValues) {
    attacks = values.sections("attacks").map(AttackSettings.init)
    budgetSeconds = values.number("budget_seconds")
    threats = values.sections("threats").map(Threat.init)
    samples = values.integer("samples")
    order = values.has("order") ? values.word("order") : nil
    keepsEvidence = values.flag("evidence")
    curve = values.numbers("curve")
    isAdaptive = values.flag("adaptive")
    certificate = values.optionalSection("certify").map(CertificateSettings.init)
    baseline = values.object["baseline"]?.string
    baselineLabels = values.object["baseline"].flatMap(WeightLabels.init)
  }

  /// Thirds of epsilon, from 0 to a third beyond it; rounded so that 0.15 gives 0.05 and not 0.049999.
  static func usualCurve(_ epsilon: Double) -> [Double] {
    guard epsilon > 0, epsilon < 1e6 else { return [0] }
    return (0...4).map { (epsilon * Double($0) / 3 * 1e6).rounded() / 1e6 }
  }
}

extension Gate {
  static var object: ObjectType {
    ObjectType(
      "Gate", "A bound that the result must keep, `min` or `max`; it passes when the whole 95 % interval keeps it.",
      alternatives: Alternatives([["min"], ["max"]], conflict: "give min or max; for a range write two gates"),
      fields: [
        Field(
          "metric", .choice(Metric.self), .required,
          help:
            "What is measured. `certified_accuracy` is that of `evaluation.certify`. `median_distance` needs an attack that looks for the nearest misclassified image; images that are wrong "
            + "as they are have the distance 0, those for which the attack finds nothing an infinite one."),
        Field(
          "attack", .text(1...60),
          help: "An attack of the evaluation by name or label; by default all together. Not with `clean_accuracy` or `certified_accuracy`."),
        Field(
          "class", .text(1...200),
          help: "The name of a class, to which the gate is confined; its interval is at 1 − 0.05/classes. `worst_class_accuracy` is about "
            + "every class, each at that interval."),
        Field(
          "against", .choice(Reference.self),
          help: "Not the accuracy itself is bounded but its difference from that of `evaluation.baseline`, from −1 to 1."),
        Field("min", .number(atLeast: -1), .alternative, help: "The lower bound: from 0 to 1 for an accuracy."),
        Field("max", .number(atLeast: -1), .alternative, help: "The upper bound."),
      ])
  }

  init(_ values: FieldValues) {
    let bound: Bound = values.optionalNumber("max").map { .atMost($0) } ?? .atLeast(values.optionalNumber("min") ?? 0)
    self.init(
      metric: values.word("metric"), attack: values.optionalText("attack"), ofClass: values.optionalText("class"),
      against: values.has("against") ? values.word("against") : nil, bound)
  }
}

extension Resources {
  static var object: ObjectType {
    ObjectType(
      "Resources", "What a job may use.",
      fields: [
        Field("threads", .integer(1...1_024), help: "Threads of the engine; by default all. Results do not depend on it."),
        Field(
          "max_seconds", .number(above: 0, to: 31_536_000, unit: .seconds),
          help: "The wall time after which the job fails, over all its attempts; by default none."),
      ])
  }

  init(_ values: FieldValues) {
    threads = values.optionalInteger("threads")
    maxSeconds = values.optionalNumber("max_seconds")
  }
}
