import Foundation
import JSON

/// A comparison of two jobs, as the service writes it, for a terminal.
struct ComparisonTable {
  private let comparison: JSONValue

  init(_ comparison: JSONValue) { self.comparison = comparison }

  var text: String {
    let names = (comparison["jobs"]?.elements ?? []).compactMap(\.string)
    let head = zip(["A", "B"], names).map { "\($0)  \($1)\n" }.joined()
    return [head, figures, paired, specs].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var figures: String {
    let verdicts = (comparison["verdicts"]?.elements ?? []).map { $0.string ?? "–" }
    let rows = (comparison["figures"]?.elements ?? []).map { row -> [String] in
      let metric = row["metric"]?.string ?? ""
      return [metric] + (row["values"]?.elements ?? []).map { Self.figure($0, isShare: metric.hasSuffix("accuracy")) }
    }
    return TextTable([["", "A", "B"], ["verdict"] + verdicts] + rows).text
  }

  private static func figure(_ value: JSONValue, isShare: Bool) -> String {
    func shown(_ member: String) -> String {
      let number = value[member]?.double ?? .nan
      return isShare ? ProgressBar.decimal(number * 100, 1) + "%" : ProgressBar.decimal(number, 4)
    }
    return value == .null ? "–" : "\(shown("value")) [\(shown("low")), \(shown("high"))]"
  }

  // MARK: The test

  private var paired: String {
    guard let paired = comparison["paired"] else { return "" }
    var tests = [("clean", paired["clean_accuracy"]), ("under all attacks", paired["robust_accuracy"])]
    let attacks = paired["attacks"]?.elements ?? []
    if attacks.count > 1 { tests += attacks.map { ($0["label"]?.string ?? "", $0["robust_accuracy"]) } }
    let rows = tests.compactMap { title, test in test.flatMap { Self.row(title, $0) } }
    let table =
      rows.isEmpty
      ? "" : TextTable([["THE SAME IMAGES", "ONLY A RIGHT", "ONLY B RIGHT", "B − A", "95 %", "P", ""]] + rows).text
    let reason = paired["reason"]?.string.map { (rows.isEmpty ? "No paired test: " : "") + $0 + "\n" } ?? ""
    return table + reason
  }

  private static func row(_ title: String, _ test: JSONValue) -> [String]? {
    guard let value = test["value"]?.double, let p = test["p"]?.double, let low = test["interval"]?["low"]?.double,
      let high = test["interval"]?["high"]?.double, let gained = test["gained"]?.integer, let lost = test["lost"]?.integer
    else { return nil }
    let meaning = p < 0.05 ? "\(value > 0 ? "B" : "A") is better" : "may be chance"
    return [
      title, "\(lost)", "\(gained)", points(value), "[\(points(low)), \(points(high))]",
      p < 0.0001 ? "< 0.0001" : ProgressBar.decimal(p, 4), meaning,
    ]
  }

  /// Of a hundred, with its sign.
  private static func points(_ share: Double) -> String { String(format: "%+.1f", share * 100) }

  // MARK: The specs

  private var specs: String {
    let rows = (comparison["spec"]?.elements ?? []).map { difference in
      [difference["pointer"]?.string ?? ""] + (difference["values"]?.elements ?? []).map { $0.serialised() }
    }
    return rows.isEmpty ? "Their specs do not differ.\n" : TextTable([["WHERE THE SPECS DIFFER", "A", "B"]] + rows).text
  }
}
