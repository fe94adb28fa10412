/// What was measured in an epoch, for a picture.
package struct HistoryPoint: Sendable {
  package let epoch: Int
  /// Whether it belongs to the standard training that comes first.
  package let isBase: Bool
  /// By the names of the API.
  package let values: [String: Double]

  package init(epoch: Int, isBase: Bool, values: [String: Double]) {
    self.epoch = epoch
    self.isBase = isBase
    self.values = values
  }
}

/// A training by epoch: accuracies, the loss, the learning rate.
struct TrainingHistory {
  private let points: [HistoryPoint]

  /// Points beyond which a picture of 630 pixels shows no more.
  static let mostPoints = 600

  /// - Parameter points: by rising epoch.
  init(_ points: [HistoryPoint]) {
    let step = max((points.count + Self.mostPoints - 1) / Self.mostPoints, 1)
    self.points = points.indices.filter { $0 % step == 0 || $0 == points.count - 1 }.map { points[$0] }
  }

  private static let accuracies = [
    ("robust, validation", "validation_robust_accuracy"), ("clean, validation", "validation_clean_accuracy"),
    ("adversarial, training", "train_adversarial_accuracy"), ("clean, training", "train_clean_accuracy"),
  ]

  /// - Returns: `nil` without a point.
  var picture: VectorPicture? {
    guard let first = points.first, let last = points.last else { return nil }
    let range = Double(first.epoch)...Double(max(last.epoch, first.epoch + 1))
    // Where adversarial training begins.
    let start = points.first { !$0.isBase }.map { Double($0.epoch) }
    let marked = points.contains(where: \.isBase) ? start.map { [(x: $0, title: "adversarial training")] } ?? [] : []
    let accuracies = Self.accuracies.enumerated().compactMap { line($1.0, $1.1, look: $0) }
    let (loss, rate) = (line("loss", "loss", look: 0), line("learning rate", "learning_rate", look: 0))
    let panels = [
      ChartPanel(
        title: "Accuracy", x: range, y: 0...1, isShare: true, lines: accuracies, marked: marked, left: 70, top: 62, width: 620, height: 230),
      ChartPanel(
        title: "Loss", x: range, y: 0...Self.top(of: loss), lines: [loss].compactMap(\.self), left: 70, top: 330, width: 620, height: 100),
      ChartPanel(
        title: "Learning rate", x: range, y: 0...Self.top(of: rate), lines: [rate].compactMap(\.self), xTitle: "epoch", left: 70, top: 468,
        width: 620, height: 70),
    ]
    let ends = accuracies.compactMap { line in line.points.last.map { "\(line.title) \(shownShare($0.y))" } }
    return VectorPicture(
      title: "Training from epoch \(first.epoch) to \(last.epoch). At the end: \(ends.joined(separator: ", "))", width: 720, height: 590,
      elements: VectorPicture.legend(accuracies, x: 20, y: 22) + panels.flatMap { $0.elements() })
  }

  private func line(_ title: String, _ name: String, look: Int) -> ChartPanel.Line? {
    let found = points.compactMap { point in point.values[name].map { ChartPanel.Point(Double(point.epoch), $0) } }
    return found.isEmpty ? nil : ChartPanel.Line(title: title, look: look, points: found, marks: found.count <= 40)
  }

  /// A little above the highest value.
  private static func top(of line: ChartPanel.Line?) -> Double {
    let highest = (line?.points ?? []).map(\.y).filter(\.isFinite).max() ?? 0
    return highest > 0 ? highest * 1.05 : 1
  }
}
