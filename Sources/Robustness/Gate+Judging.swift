import Attacks
import Foundation

/// The figure that a gate judges.
private struct Measurement {
  var value: Double
  var interval: ConfidenceInterval
  /// What else there is to say of it, in sentences.
  var notes: [String] = []
  /// Whether a class without test images is part of it: nothing is known about that class.
  var isIncomplete = false
  /// Why it carries no verdict, in sentences.
  var doubts: [String] = []

  init(value: Double, interval: ConfidenceInterval) {
    self.value = value
    self.interval = interval
  }

  init(_ proportion: Proportion) { self.init(value: proportion.value, interval: proportion.interval) }
}

/// Why there is no figure, in a sentence.
private struct Unmeasured: Error { let reason: String }

extension Gate {
  /// Passes when the whole interval keeps the bound, fails when all of it misses the bound, and is inconclusive otherwise.
  ///
  /// A robust figure is inconclusive where the evaluation is too weak to carry a verdict, where it was not measured, and where one of
  /// `warnings` discredits it. The accuracy under all attacks together rests on the strongest attack, so a warning about a weaker one does
  /// not discredit it.
  ///
  /// - Parameter comparison: with the baseline; `nil` without one.
  package func judge(_ evaluation: Evaluation, comparison: Comparison? = nil, warnings: [Warning]) -> GateResult {
    switch measurement(evaluation, comparison) {
    case .failure(let missing):
      return GateResult(gate: self, value: nil, interval: nil, verdict: .inconclusive, detail: missing.reason)
    case .success(let measured):
      let (general, notes) = doubts(evaluation, warnings)
      let doubts = general + measured.doubts
      let byNumber = bound.verdict(of: measured.interval)
      let isOpen = !doubts.isEmpty || (measured.isIncomplete && byNumber == .pass)
      let sentences = doubts + measured.notes + notes
      return GateResult(
        gate: self, value: measured.value, interval: measured.interval, verdict: isOpen ? .inconclusive : byNumber,
        detail: sentences.isEmpty ? nil : sentences.joined(separator: " "))
    }
  }

  // MARK: Doubts

  /// Why the figure carries no verdict, and what stands beside it where it does, in sentences.
  private func doubts(_ evaluation: Evaluation, _ warnings: [Warning]) -> (doubts: [String], notes: [String]) {
    if metric == .certifiedAccuracy, warnings.contains(where: { $0.code == Warning.unsoundCertificateCode }) {
      return (["Discredited by \(Warning.unsoundCertificateCode)."], [])
    }
    guard metric.isRobust else { return ([], []) }
    let strength = evaluation.strength
    var codes = Set(warnings.filter { discredits($0, evaluation) }.map(\.code))
    var doubts: [String] = []
    if !strength.isStrong {
      codes.insert(Warning.weakEvaluationCode)
      doubts.append("For a verdict, \(strength.advice(for: evaluation.threat.norm)).")
    }
    if !codes.isEmpty { doubts.insert("Discredited by \(codes.sorted().joined(separator: ", ")).", at: 0) }
    let isOfAll = attack == nil || !metric.isAccuracy || against != nil
    return (doubts, isOfAll ? [] : ["All attacks together leave \(percent(evaluation.worstCase.value)) correct."])
  }

  func discredits(_ warning: Warning, _ evaluation: Evaluation) -> Bool {
    warning.discredits && (warning.attack == nil || warning.attack == evaluation.decisiveAttack(under: attack))
  }

  // MARK: Figures

  private func measurement(_ evaluation: Evaluation, _ comparison: Comparison?) -> Result<Measurement, Unmeasured> {
    if metric.isRobust, !evaluation.ran(attack) {
      return .failure(Unmeasured(reason: "The evaluation ran no attack \(attack.map { "named \($0)" } ?? "at all")."))
    }
    if against != nil { return difference(evaluation, comparison) }
    if let ofClass { return ofOneClass(ofClass, evaluation) }
    switch metric {
    case .cleanAccuracy: return .success(Measurement(evaluation.cleanAccuracy))
    case .robustAccuracy: return .success(Measurement(evaluation.robustAccuracy(under: attack) ?? evaluation.worstCase))
    case .worstClassAccuracy: return worst(evaluation)
    case .certifiedAccuracy: return certified(evaluation)
    case .medianDistance: return distance(evaluation)
    }
  }

  private func certified(_ evaluation: Evaluation) -> Result<Measurement, Unmeasured> {
    guard let certificate = evaluation.certificate else {
      return .failure(Unmeasured(reason: "Nothing was certified: ask for it with evaluation.certify."))
    }
    var measured = Measurement(certificate.certifiedAccuracy)
    measured.notes = ["It is \(certificate.title(certificate.radius))."]
    return .success(measured)
  }

  private func difference(_ evaluation: Evaluation, _ comparison: Comparison?) -> Result<Measurement, Unmeasured> {
    let label = attack.flatMap { evaluation.attacked(by: $0)?.label }
    guard let difference = metric.isRobust ? comparison?.robustAccuracy(under: label) : comparison?.cleanAccuracy else {
      return .failure(Unmeasured(reason: "There is no baseline to compare with: name its weights in evaluation.baseline."))
    }
    var measured = Measurement(value: difference.value, interval: difference.interval)
    measured.notes = [
      "\(difference.gained) examples gained, \(difference.lost) lost (McNemar's exact p \(difference.p.formatted(.number.precision(.significantDigits(2)).locale(Locale(identifier: "en_US_POSIX")))))."
    ]
    return .success(measured)
  }

  private func ofOneClass(_ name: String, _ evaluation: Evaluation) -> Result<Measurement, Unmeasured> {
    let classes = evaluation.classes(metric, under: attack)
    guard let found = classes.first(where: { $0.name == name }) else {
      return .failure(Unmeasured(reason: "There is no class \(name)."))
    }
    return .success(measurement(of: [found], amongst: classes.count))
  }

  private func worst(_ evaluation: Evaluation) -> Result<Measurement, Unmeasured> {
    let classes = evaluation.classes(metric, under: attack)
    var measured = measurement(of: classes, amongst: classes.count)
    let seen = classes.filter { $0.accuracy.total > 0 }
    guard let lowest = seen.min(by: { $0.accuracy.value < $1.accuracy.value }) else {
      return .failure(Unmeasured(reason: "No class has test images."))
    }
    measured.notes.insert("The lowest is \(lowest.name).", at: 0)
    return .success(measured)
  }

  /// The lowest accuracy of some classes, its interval made of theirs, which hold together at 95 %.
  private func measurement(of classes: [Evaluation.ClassAccuracy], amongst count: Int) -> Measurement {
    let intervals = classes.map { $0.accuracy.interval(amongst: count) }
    let values = classes.map(\.accuracy.value).filter { !$0.isNaN }
    var measured = Measurement(
      value: values.min() ?? .nan,
      interval: ConfidenceInterval(low: intervals.map(\.low).min() ?? 0, high: intervals.map(\.high).min() ?? 1))
    let unseen = classes.filter { $0.accuracy.total == 0 }.map(\.name)
    guard !unseen.isEmpty else { return measured }
    measured.isIncomplete = true
    measured.notes = ["No test image was evaluated of class \(unseen.joined(separator: ", "))."]
    return measured
  }

  /// Of several attacks the one that came nearest.
  private func distance(_ evaluation: Evaluation) -> Result<Measurement, Unmeasured> {
    let candidates = attack.map { [evaluation.attacked(by: $0)].compactMap { $0 } } ?? evaluation.attacks
    let found = candidates.compactMap { attacked in
      attacked.medianDistance.flatMap { value in
        attacked.medianDistanceInterval.map { (attacked.settings, Measurement(value: value, interval: $0)) }
      }
    }
    guard let (settings, measured) = found.min(by: { $0.1.value < $1.1.value }) else {
      return .failure(Unmeasured(reason: "None of the attacks that ran looks for the nearest misclassified image; cw and deepfool do."))
    }
    var nearest = measured
    nearest.doubts = Self.doubts(of: nearest.value, found: settings, evaluation)
    return .success(nearest)
  }

  /// An attack that finds little gives large distances: they say something of the model where it ran to its full budget, found an image for
  /// most examples, and no other attack came nearer.
  private static func doubts(of median: Double, found settings: AttackSettings, _ evaluation: Evaluation) -> [String] {
    var doubts: [String] = []
    if !settings.hasFullBudget { doubts.append("For a verdict, \(settings.adviceForFullBudget).") }
    if !median.isFinite {
      doubts.append("\(settings.label) found no misclassified image for half of the examples, which does not show that there is none.")
    }
    let (threat, left) = (evaluation.threat, evaluation.worstCase)
    if median > threat.epsilon, left.interval.high < 0.5 {
      doubts.append(
        "All attacks together leave \(percent(left.value)) correct within \(threat.epsilon), so that the median is no more than that."
      )
    }
    return doubts
  }
}

extension Evaluation {
  /// One class with an accuracy.
  struct ClassAccuracy {
    let name: String
    let accuracy: Proportion
  }

  /// Each class with its clean accuracy, or with its accuracy under an attack, or under all for `nil`.
  func classes(_ metric: Gate.Metric, under attack: String?) -> [ClassAccuracy] {
    let attacked = attack.flatMap(attacked(by:))
    return perClass.indices.map { label in
      let own = perClass[label]
      let robust = attacked.map { Proportion(correct: $0.correctPerClass[label], total: own.robustAccuracy.total) } ?? own.robustAccuracy
      return ClassAccuracy(name: own.name, accuracy: metric.isRobust ? robust : own.cleanAccuracy)
    }
  }

  /// Whether an attack of this name or label ran; any, for `nil`.
  func ran(_ attack: String?) -> Bool { attack.map { attacked(by: $0) != nil } ?? !attacks.isEmpty }
}
