/// The accuracy by epsilon, before and after, each with the band of its 95 % intervals.
struct AccuracyCurve {
  private let report: Report

  init(_ report: Report) { self.report = report }

  var picture: VectorPicture {
    let after = report.after
    let sides =
      [(report.before == nil ? "the model" : "after adversarial training", after, 0)]
      + (report.before.map { [("before", $0, 1)] } ?? [])
    let curves = sides.map { ChartPanel.Line(title: $0.0, look: $0.2, points: Self.points(of: $0.1)) }
    // The accuracy under all attacks, at the threat's own epsilon.
    let all = ChartPanel.Line(
      title: "all attacks", look: 2, points: after.attacks.isEmpty ? [] : [Self.point(after.threat.epsilon, after.worstCase)])
    let lines = curves + (all.points.isEmpty ? [] : [all])
    let largest = lines.flatMap(\.points).map(\.x).max() ?? 0
    let panel = ChartPanel(
      title: "Accuracy by ε (\(after.threat.norm.symbol))", x: 0...max(largest, after.threat.epsilon), y: 0...1, isShare: true,
      lines: lines,
      marked: [(after.threat.epsilon, "threat: ε = \(ChartPanel.short(after.threat.epsilon))")],
      xTitle: "ε" + (after.curveAttack.map { ", attacked by \($0)" } ?? ""), left: 60, top: 62, width: 630, height: 290)
    return VectorPicture(
      title: "\(panel.title): \(Self.spoken(curves))", width: 720, height: 402,
      elements: VectorPicture.legend(lines, x: 60, y: 22) + panel.elements())
  }

  /// Of the curve; of an evaluation without one, clean and under all attacks.
  private static func points(of evaluation: Evaluation) -> [ChartPanel.Point] {
    guard evaluation.curve.isEmpty else { return evaluation.curve.map { point($0.epsilon, $0.accuracy) } }
    return [point(0, evaluation.cleanAccuracy)]
      + (evaluation.attacks.isEmpty ? [] : [point(evaluation.threat.epsilon, evaluation.worstCase)])
  }

  private static func point(_ epsilon: Double, _ accuracy: Proportion) -> ChartPanel.Point {
    ChartPanel.Point(epsilon, accuracy.value, accuracy.interval)
  }

  private static func spoken(_ lines: [ChartPanel.Line]) -> String {
    lines.map { line in
      let values = line.points.map { "\(shownShare($0.y)) at \(ChartPanel.short($0.x))" }
      return "\(line.title) \(values.joined(separator: ", "))"
    }.joined(separator: "; ")
  }
}
