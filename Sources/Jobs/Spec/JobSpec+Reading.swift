import JSON
import Attacks
import Datasets
import Models
import Robustness
import TensorEngine
import Training

/// The bounds of a spec: far above what is sensible, and low enough that nothing overflows.
enum SpecBounds {
  static let epochs = 100_000
  static let batchSize = 65_536
  static let labels = 64
  static let attacks = 32
  static let curve = 64
  static let gates = 64
  static let samples = 10_000_000
  static let priority = -1_000...1_000
  static let threads = 1_024
  static let seconds = 31_536_000.0  // a year
  static let finite = Double.greatestFiniteMagnitude
}

extension JobSpec {
  /// Reads a spec, completing it with every default.
  ///
  /// - Throws: `SpecFaults` with everything that is wrong.
  package init(reading document: JSONValue, origin: Origin = .http) throws(SpecFaults) {
    let (spec, faults) = Self.read(document, origin: origin)
    guard let spec, faults.isEmpty else { throw SpecFaults(faults) }
    self = spec
  }

  /// The spec as far as it can be made out, and every fault of it by itself; what depends on images and weights is checked by
  /// `SpecCheck`. A spec that comes with faults has defaults in their place; none comes when dataset or model cannot be made out.
  static func read(_ document: JSONValue, origin: Origin) -> (spec: JobSpec?, faults: [SpecFault]) {
    let log = FaultLog()
    let reader = SpecReader(document, pointer: "", log: log)
    reader.require("dataset", "model", "threat")
    let kind = reader.choice("kind") ?? Kind.train
    let name = reader.string("name", length: 1...200)
    let labels = readLabels(reader)
    let dataset = DatasetSection.read(reader.section("dataset"), origin: origin)
    let model = ModelSection.read(reader.section("model"))
    let threat = readThreat(reader.section("threat"))
    let training = readTraining(reader, kind: kind, validationFraction: dataset?.validationFraction ?? 0.1)
    let evaluation = EvaluationSection.read(reader.section("evaluation"), epsilon: threat.epsilon)
    let gates = readGates(reader)
    let precision = reader.choice("precision") ?? Precision.fp32
    let seed = UInt64(reader.integer("seed", in: 0...Int.max, default: 0))
    let priority = reader.integer("priority", in: SpecBounds.priority, default: 0)
    let resources = Resources.read(reader.section("resources"))
    reader.finish()
    guard let dataset, let model else { return (nil, log.faults) }
    let spec = JobSpec(
      name: name, labels: labels, kind: kind, dataset: dataset, model: model, threat: threat, training: training, evaluation: evaluation,
      gates: gates, precision: precision, seed: seed, priority: priority, resources: resources)
    spec.checkTogether(log)
    return (spec, log.faults)
  }

  private static func readLabels(_ reader: SpecReader) -> [String: String] {
    guard let value = reader.value("labels"), value != .null else { return [:] }
    guard case .object(let object) = value else {
      reader.note("labels", .wrongType, "must be an object of strings, not \(value.kind)")
      return [:]
    }
    if object.keys.count > SpecBounds.labels {
      reader.note("labels", .outOfRange, "there may be at most \(SpecBounds.labels) labels, not \(object.keys.count)")
      return [:]
    }
    let section = SpecReader(object, pointer: reader.pointer(to: "labels"), log: reader.log)
    var labels: [String: String] = [:]
    for key in object.keys {
      if !(1...63).contains(key.count) {
        section.note(key, .outOfRange, "a label's name must have 1 to 63 characters, not \(key.count)")
      } else if section.has(key) {
        labels[key] = section.string(key, length: 0...255)
      } else {
        section.note(key, .wrongType, "must be a string, not null")
      }
    }
    return labels
  }

  private static func readThreat(_ reader: SpecReader) -> Threat {
    reader.require("norm", "epsilon")
    let norm = reader.choice("norm", later: ["l1"]) ?? Norm.linf
    let epsilon = reader.number("epsilon", in: 0...SpecBounds.finite, default: 0)
    if norm == .linf, epsilon > 1 {
      reader.note(
        "epsilon", .outOfRange, "must be from 0 to 1 in linf, not \(epsilon): it counts in pixels scaled to [0, 1] (8/255 is 0.03137)")
    }
    reader.finish()
    return Threat(norm: norm, epsilon: epsilon)
  }

  private static func readTraining(_ reader: SpecReader, kind: Kind, validationFraction: Double) -> TrainingSettings? {
    if kind == .evaluate {
      if reader.has("training") {
        reader.note("training", .conflict, "a job of kind evaluate does not train; leave training out, or make the kind train")
      }
      _ = reader.value("training")
      return nil
    }
    return TrainingSettings.read(reader.section("training"), validationFraction: validationFraction)
  }

  private static func readGates(_ reader: SpecReader) -> [Gate] {
    (reader.list("gates", count: 0...SpecBounds.gates) ?? []).map { element in
      let gate = SpecReader(element.value, pointer: element.pointer, log: reader.log)
      gate.require("metric", "min")
      let metric = gate.choice("metric") ?? Gate.Metric.robustAccuracy
      let attack = gate.string("attack", length: 1...60)
      if metric == .cleanAccuracy, attack != nil {
        gate.note("attack", .conflict, "clean_accuracy is measured without an attack; leave attack out")
      }
      let minimum = gate.number("min", in: 0...1, default: 0)
      gate.finish()
      return Gate(metric: metric, attack: attack, min: minimum)
    }
  }

  /// What no section can see by itself.
  private func checkTogether(_ log: FaultLog) {
    if kind == .evaluate, model.initial == nil, log.isClean("/model/init") {
      log.add("/model/init", .required, "a job of kind evaluate needs the weights to evaluate: an mdl_… or ckpt_…")
    }
    if let training, training.baseEpochs + training.epochs == 0, log.isClean("/training/epochs"), log.isClean("/training/base_epochs") {
      log.add(
        "/training/epochs", .conflict, "base_epochs and epochs are both 0: there is nothing to train; use kind evaluate to judge weights")
    }
    if training?.earlyStopPatience != nil, dataset.validationFraction == 0 {
      log.add(
        "/training/early_stop_patience", .conflict,
        "early stopping watches a validation part, and dataset.validation_fraction is 0; give it a part such as 0.1")
    }
    if let training, training.method != .standard { checkNorm(of: training.attack, at: "/training/attack", log) }
    for (index, attack) in evaluation.attacks.enumerated() { checkNorm(of: attack, at: "/evaluation/attacks/\(index)", log) }
    if log.isClean("/evaluation/attacks") { checkGates(log) }
  }

  private func checkNorm(of attack: AttackSettings, at pointer: String, _ log: FaultLog) {
    let norms = attack.definition.norms
    guard !norms.contains(threat.norm), log.isClean(pointer), log.isClean("/threat/norm") else { return }
    log.add(
      pointer + "/name", .conflict,
      """
      \(attack.name) is an attack in \(norms.map(\.rawValue).joined(separator: ", ")), and the threat's norm is \(threat.norm.rawValue); choose \
      another attack or norm
      """)
  }

  private func checkGates(_ log: FaultLog) {
    let known = Set(evaluation.attacks.flatMap { [$0.name, $0.label] }).sorted()
    for (index, gate) in gates.enumerated() where log.isClean("/gates/\(index)") && gate.metric != .cleanAccuracy {
      if let attack = gate.attack, !known.contains(attack) {
        log.add(
          "/gates/\(index)/attack", .conflict,
          "no attack of the evaluation is called \"\(attack)\"; \(known.isEmpty ? "it has none" : "there are \(known.joined(separator: ", "))")"
        )
      } else if evaluation.attacks.isEmpty {
        log.add("/gates/\(index)/metric", .conflict, "\(gate.metric.rawValue) needs an attack, and evaluation.attacks is empty")
      }
    }
  }
}

extension DatasetSection {
  static func read(_ reader: SpecReader, origin: JobSpec.Origin) -> DatasetSection? {
    let reference: Reference? = reader.has("path") || reader.has("format") ? readPath(reader, origin: origin) : readID(reader)
    let fraction = reader.number("validation_fraction", in: 0...0.9, default: 0.1)
    let limit = reader.integer("limit", in: 1...1_000_000_000)
    reader.finish()
    return reference.map { DatasetSection(reference: $0, validationFraction: fraction, limit: limit) }
  }

  private static func readID(_ reader: SpecReader) -> Reference? {
    reader.require("id")
    return reader.string("id", length: 1...100).map(Reference.id)
  }

  private static func readPath(_ reader: SpecReader, origin: JobSpec.Origin) -> Reference? {
    let path = reader.string("path", length: 1...4_096)
    let format: DatasetFormat? = reader.choice("format", later: ["cifar", "csv", "images"])
    guard origin == .commandLine else {
      if reader.string("id", length: 1...100) == nil { reader.require("id") }
      for key in ["path", "format"] where reader.has(key) {
        reader.note(key, .notAllowed, "only temper run takes a dataset by path; upload it with POST /v1/datasets and give its id")
      }
      return nil
    }
    if reader.has("id") { reader.note("id", .conflict, "give a dataset's id, or its path and format, not both") }
    _ = reader.value("id")
    reader.require("path", "format")
    guard let path, let format else { return nil }
    return .path(path, format: format)
  }
}

extension Resources {
  static func read(_ reader: SpecReader) -> Resources {
    defer { reader.finish() }
    return Resources(
      threads: reader.integer("threads", in: 1...SpecBounds.threads),
      maxSeconds: reader.number("max_seconds", in: 0...SpecBounds.seconds, excluding: 0))
  }
}

extension EvaluationSection {
  /// - Parameter epsilon: the curve's default runs up to twice of it.
  static func read(_ reader: SpecReader, epsilon: Double) -> EvaluationSection {
    let attacks = reader.list("attacks", count: 0...SpecBounds.attacks)?.map { element in
      AttackSettings.read(SpecReader(element.value, pointer: element.pointer, log: reader.log), for: .evaluation)
    }
    let samples = reader.integer("samples", in: 1...SpecBounds.samples, default: 1_000)
    let curve = reader.numbers("curve", count: 0...SpecBounds.curve, in: 0...SpecBounds.finite) ?? usualCurve(epsilon)
    let baseline = reader.string("baseline", length: 1...4_096)
    reader.finish()
    return EvaluationSection(attacks: attacks ?? EvaluationSettings.standardAttacks, samples: samples, curve: curve, baseline: baseline)
  }

  /// Thirds of epsilon, from 0 to a third beyond it; rounded so that 0.15 gives 0.05 and not 0.049999.
  private static func usualCurve(_ epsilon: Double) -> [Double] {
    guard epsilon > 0, epsilon < 1e6 else { return [0] }
    return (0...4).map { (epsilon * Double($0) / 3 * 1e6).rounded() / 1e6 }
  }
}
