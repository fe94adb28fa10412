import JSON
import Robustness

/// Which job of a sweep is the best: the one with the highest figure among those that keep all bounds.
package struct BestRule: Hashable, Sendable {
  /// A metric of gates, by its name.
  package let metric: String
  /// Lower bounds by the names of metrics.
  package let least: [String: Double]

  package var json: JSONValue {
    let bounds = least.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = .number($1.value) }
    return ["metric": .string(metric), "min": .object(bounds)]
  }

  static var object: ObjectType {
    ObjectType(
      "SweepBest", "Which job is the best: the one with the highest `metric` among those that keep every bound of `min`.",
      fields: [
        Field(
          "metric", .choice(Gate.Metric.self), default: .string(Gate.Metric.robustAccuracy.rawValue),
          help: "What counts; of equals the one of the higher clean accuracy, then the earlier one."),
        Field("min", .object(bounds), default: [:], help: "What a job must reach to be looked at."),
      ])
  }

  private static var bounds: ObjectType {
    ObjectType(
      "SweepBounds", "Lower bounds by metric.",
      fields: Gate.Metric.allCases.map { metric in
        Field(metric.rawValue, metric.isAccuracy ? .number(0...1) : .number(atLeast: 0), help: "The least \(metric.rawValue).")
      })
  }

  init(_ values: FieldValues) {
    metric = values.text("metric")
    let given = values.section("min")
    least = Gate.Metric.allCases.reduce(into: [:]) { $0[$1.rawValue] = given.optionalNumber($1.rawValue) }
  }

  /// The inverse of `json`.
  package init?(_ json: JSONValue) {
    guard let metric = json["metric"]?.string, case .object(let bounds)? = json["min"] else { return nil }
    self.metric = metric
    least = bounds.members.reduce(into: [:]) { $0[$1.key] = $1.value.double }
    guard least.count == bounds.keys.count else { return nil }
  }
}
