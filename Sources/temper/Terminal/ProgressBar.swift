import Foundation
import Robustness

/// The known facts about a running job.
package struct ProgressFacts: Equatable, Sendable {
  package var phase: String?
  package var epoch: Int?
  package var epochs: Int?
  /// The finished fraction of the work, 0 to 1.
  package var fraction: Double?
  package var etaSeconds: Double?
  package var examplesPerSecond: Double?
  package var loss: Double?
  /// Accuracies on the validation part after the last epoch.
  package var cleanAccuracy: Double?
  package var robustAccuracy: Double?
  /// The latter by epoch, the latest ones.
  package var robustHistory: [Double] = []
  /// How many of them a line has room for.
  package static let longestHistory = 12

  package init() {}
}

/// One line of a terminal: `retrain 7/30 ━━━━━━━──────  46%  loss 0.412  validation robust 71.8%  eta 0:12`.
package struct ProgressBar: Sendable {
  private let columns: Int
  private let color: Bool

  package init(columns: Int, color: Bool) {
    self.columns = columns
    self.color = color
  }

  /// The line, never wider than the terminal.
  package func line(_ progress: ProgressFacts) -> String {
    let head = Self.head(progress)
    let tail = Self.facts(progress).joined(separator: "  ")
    let percent = progress.fraction.map { Self.padded("\(Int(($0 * 100).rounded(.down)))%", 4) } ?? ""
    // There are five separating spaces. The last column stays free, because a full line would wrap on some terminals.
    let room = columns - head.count - percent.count - tail.count - 5
    guard let fraction = progress.fraction, room >= 8 else {
      return String([head, percent, tail].filter { !$0.isEmpty }.joined(separator: "  ").prefix(max(columns - 1, 0)))
    }
    return "\(head) \(bar(fraction, width: min(room, 40))) \(percent)  \(tail)"
  }

  private func bar(_ fraction: Double, width: Int) -> String {
    let done = Int((min(max(fraction, 0), 1) * Double(width)).rounded(.down))
    let (full, rest) = (String(repeating: "━", count: done), String(repeating: "─", count: width - done))
    return color ? "\u{1B}[32m\(full)\u{1B}[2;39m\(rest)\u{1B}[0m" : full + rest
  }

  private static func head(_ progress: ProgressFacts) -> String {
    var head = progress.phase ?? "waiting"
    if let epoch = progress.epoch, let epochs = progress.epochs, epochs > 0, progress.phase != "evaluate" || epoch < epochs {
      head += " \(epoch)/\(epochs)"
    }
    return head
  }

  private static func facts(_ progress: ProgressFacts) -> [String] {
    var facts: [String] = []
    if let loss = progress.loss { facts.append("loss \(decimal(loss, 3))") }
    if let robust = progress.robustAccuracy { facts.append("validation robust \(curve(progress))\(decimal(robust * 100, 1))%") }
    if let eta = progress.etaSeconds { facts.append("eta \(duration(eta))") }
    return facts
  }

  /// How it went, with a column for each epoch.
  private static func curve(_ progress: ProgressFacts) -> String {
    progress.robustHistory.count > 1 ? BlockCharacters.columns(progress.robustHistory) + " " : ""
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// A number with a fixed number of decimals, or `NaN` or `Infinity`.
  package static func decimal(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity" }
    return String(format: "%.\(places)f", value)
  }

  /// `0:07`, `12:30`, `3:02:09`; `–` for NaN and infinity.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
  }
}
