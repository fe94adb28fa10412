import Attacks

/// A report as comma-separated values (RFC 4180): one row for each accuracy that was measured.
struct CSVReport {
  private let document: ReportDocument

  init(_ document: ReportDocument) { self.document = document }

  private static let columns = [
    "job", "model", "measure", "attack", "class", "norm", "epsilon", "correct", "total", "accuracy", "low", "high", "gradient_evaluations",
    "forward_passes", "seconds", "median_distance", "mean_distance",
  ]

  var text: String {
    let report = document.report
    let rows = (report.before.map { accuracies(of: $0, "before") } ?? []) + accuracies(of: report.after, "after")
    return ([Self.columns] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  /// What an accuracy was measured under.
  private struct Condition {
    var measure: String
    var attack = ""
    var ofClass = ""
    var epsilon: Double
    /// Where it is not the threat's.
    var norm: Norm?
  }

  private func accuracies(of evaluation: Evaluation, _ model: String) -> [[String]] {
    let epsilon = evaluation.threat.epsilon
    func row(_ condition: Condition, _ accuracy: Proportion, _ attacked: Evaluation.Attacked? = nil) -> [String] {
      [
        Self.cell(document.origin.job ?? ""), model, condition.measure, Self.cell(condition.attack), Self.cell(condition.ofClass),
        (condition.norm ?? evaluation.threat.norm).rawValue, Self.cell(condition.epsilon), String(accuracy.correct), String(accuracy.total),
        Self.cell(accuracy.value), Self.cell(accuracy.interval.low), Self.cell(accuracy.interval.high),
      ] + Self.effort(attacked)
    }
    return [row(Condition(measure: "clean", epsilon: 0), evaluation.cleanAccuracy)]
      + evaluation.attacks.map { row(Condition(measure: "attack", attack: $0.label, epsilon: epsilon), $0.robustAccuracy, $0) }
      + [row(Condition(measure: "all_attacks", epsilon: epsilon), evaluation.worstCase)]
      + evaluation.perClass.flatMap {
        [
          row(Condition(measure: "class_clean", ofClass: $0.name, epsilon: 0), $0.cleanAccuracy),
          row(Condition(measure: "class_all_attacks", ofClass: $0.name, epsilon: epsilon), $0.robustAccuracy),
        ]
      }
      + evaluation.curve.map {
        row(Condition(measure: "curve", attack: evaluation.curveAttack ?? "", epsilon: $0.epsilon), $0.accuracy)
      }
      + (evaluation.certificate.map(certified) ?? []).map { row($0, $1) }
  }

  private func certified(_ certificate: Certificate) -> [(Condition, Proportion)] {
    certificate.radii.map {
      (
        Condition(measure: "certified", attack: certificate.method.rawValue, epsilon: $0.radius, norm: certificate.norm),
        $0.certifiedAccuracy
      )
    }
  }

  private static func effort(_ attacked: Evaluation.Attacked?) -> [String] {
    guard let attacked else { return ["", "", "", "", ""] }
    return [
      String(attacked.gradientEvaluations), String(attacked.forwardPasses), cell(attacked.seconds),
      attacked.medianDistance.map(cell) ?? "", attacked.meanDistance.map(cell) ?? "",
    ]
  }

  private static func cell(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : value.description
  }

  private static func cell(_ text: String) -> String { CSVCell.text(text) }
}
