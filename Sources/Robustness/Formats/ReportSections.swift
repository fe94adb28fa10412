import Foundation

/// The tables of a report as cells of text: what every format for readers shows, each in its own way.
struct ReportSections {
  struct Table {
    let title: String
    let head: [String]
    let rows: [[String]]
  }

  private struct Side {
    let title: String
    let evaluation: Evaluation
  }

  private let report: Report
  private let sides: [Side]

  init(_ report: Report) {
    self.report = report
    let before = report.before.map { [Side(title: "before", evaluation: $0)] } ?? []
    sides = before + [Side(title: before.isEmpty ? "model" : "after", evaluation: report.after)]
  }

  var data: String {
    let data = report.dataset
    let shape = data.shape.map(String.init).joined(separator: "×")
    return "\(data.name): \(data.evaluatedCount) of \(data.testCount) test images (\(shape), \(data.classes.count) classes)"
  }

  var model: String {
    let threat = report.after.threat
    return
      "\(report.model.architecture), \(report.model.parameters) parameters, against \(threat.norm.symbol) ≤ \(ChartPanel.short(threat.epsilon))"
  }

  /// Clean, under each attack, under all of them, and of the worst class.
  var accuracies: Table {
    var rows = [row("clean") { $0.cleanAccuracy }]
    for attack in report.after.attacks { rows += self.rows(of: attack) }
    if report.after.attacks.count > 1 { rows.append(row("all attacks") { $0.worstCase }) }
    if report.after.transfer != nil { rows.append(row("all attacks, without seeing the preprocessing") { $0.transfer?.worstCase }) }
    for (index, under) in (report.after.threats ?? []).enumerated() {
      rows.append(
        row("all attacks, \(under.threat.norm.symbol) ≤ \(ChartPanel.short(under.threat.epsilon))") { $0.threats?[index].worstCase })
    }
    if report.after.unionOfThreats != nil { rows.append(row("all threats") { $0.unionOfThreats }) }
    for (index, at) in (report.after.certificate?.radii ?? []).enumerated() {
      rows.append(
        row(report.after.certificate?.title(at.radius) ?? "") { evaluation in
          evaluation.certificate.flatMap { $0.radii.indices.contains(index) ? $0.radii[index].certifiedAccuracy : nil }
        })
    }
    let worst = sides.map { $0.evaluation.worstClass.map { "\(shownShare($0.robustAccuracy.value)) (\($0.name))" } ?? "–" }
    rows.append(["worst class"] + worst)
    return Table(title: "accuracy", head: ["accuracy"] + sides.map(\.title), rows: rows)
  }

  /// Of an attack, and of what is left after each part of a sequence.
  private func rows(of attack: Evaluation.Attacked) -> [[String]] {
    func same(_ evaluation: Evaluation) -> Evaluation.Attacked? { evaluation.attacks.first { $0.label == attack.label } }
    let parts = (attack.parts ?? []).enumerated().map { index, part in
      row("  after \(part.label)") { same($0)?.parts?[index].robustAccuracy }
    }
    return [row(attack.label) { same($0)?.robustAccuracy }] + parts
  }

  /// `nil` without a curve.
  var curve: Table? {
    let points = report.after.curve
    guard !points.isEmpty else { return nil }
    let rows = points.map { point in
      row("\(point.epsilon)") { evaluation in evaluation.curve.first { $0.epsilon == point.epsilon }?.accuracy }
    }
    return Table(title: "\(report.after.curveAttack ?? "clean") by ε", head: ["ε"] + sides.map(\.title), rows: rows)
  }

  var card: Table { ReportCard(report).table }

  var gates: Table {
    let rows = report.gates.map { result in
      [result.gate.title, result.shownValue, result.shownInterval, result.verdict.rawValue]
    }
    return Table(title: "gates", head: ["gate", "measured", "interval", "verdict"], rows: rows)
  }

  /// Why gates are inconclusive.
  var gateDetails: [String] { report.gates.compactMap(\.detail) }

  var classes: Table {
    let head = ["class"] + sides.flatMap { ["clean, \($0.title)", "robust, \($0.title)"] }
    let rows = report.after.perClass.enumerated().map { index, ofClass in
      [ofClass.name]
        + sides.flatMap { side -> [String] in
          guard side.evaluation.perClass.indices.contains(index) else { return ["–", "–"] }
          let known = side.evaluation.perClass[index]
          return [Self.cell(known.cleanAccuracy), Self.cell(known.robustAccuracy)]
        }
    }
    return Table(title: "classes", head: head, rows: rows)
  }

  /// What each attack took, and how far it had to go where it says so.
  var effort: Table {
    let rows = sides.flatMap { side in
      side.evaluation.attacks.map { attack in
        [
          side.title, attack.label, String(attack.gradientEvaluations), String(attack.forwardPasses), shownSeconds(attack.seconds),
          attack.medianDistance.map { "\($0)" } ?? "–", attack.meanDistance.map { "\($0)" } ?? "–",
        ]
      }
    }
    return Table(
      title: "effort",
      head: ["model", "attack", "gradient evaluations", "forward passes", "seconds", "median distance", "mean distance"], rows: rows)
  }

  var times: Table {
    let rows = report.seconds.sorted { $0.key < $1.key }.map { [$0.key, shownSeconds($0.value)] }
    return Table(title: "seconds by phase", head: ["phase", "seconds"], rows: rows)
  }

  private func row(_ title: String, _ measure: (Evaluation) -> Proportion?) -> [String] {
    [title] + sides.map { side in measure(side.evaluation).map(Self.cell) ?? "–" }
  }

  private static func cell(_ measured: Proportion) -> String {
    "\(shownShare(measured.value)) [\(shownShare(measured.interval.low)), \(shownShare(measured.interval.high))]"
  }
}

/// A fraction of 1 in a table: `71.8%`.
func shownShare(_ share: Double) -> String { share.isFinite ? percent(share).replacing(" %", with: "%") : "–" }

func shownSeconds(_ seconds: Double) -> String { seconds.isFinite ? String(format: "%.1f", seconds) : "–" }
