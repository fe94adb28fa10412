import Foundation
import JSON
import Jobs

/// A job as TensorBoard shows it: what was measured after each epoch, and what the report says at the end.
struct JobRecords {
  private let job: JobView
  private let events: [JSONValue]

  init(_ job: JobView, events: [JSONValue]) {
    self.job = job
    self.events = events
  }

  /// How TensorBoard calls the run: the name of its folder.
  var folder: String {
    let name = String((job.name ?? "job").map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }.prefix(60))
    return "\(name.hasPrefix(".") ? "job" + name : name)-\(job.id.suffix(6))"
  }

  /// The same for the same job, so that a second export takes the place of the first.
  var file: String { "events.out.tfevents.\(Int(Self.seconds(job.json["created_at"]))).\(job.id)" }

  var bytes: [UInt8] {
    let begin = Self.seconds(job.json["started_at"] ?? job.json["created_at"])
    let measured = events.filter { $0["event"] == "metric" }
    let history = measured.compactMap { event -> EventRecord? in
      guard case .object(let values)? = event["data"]?["values"], let epoch = event["data"]?["epoch"]?.integer else { return nil }
      return EventRecord(step: epoch, at: Self.seconds(event["at"]), Self.scalars("training", values))
    }
    let last = measured.compactMap { $0["data"]?["epoch"]?.integer }.max() ?? 0
    return ([EventRecord(versionAt: begin)] + history + result(at: last)).flatMap(\.bytes)
  }

  private func result(at step: Int) -> [EventRecord] {
    guard case .object(let figures)? = job.json["result"]?["figures"] else { return [] }
    var values = JSONObject()
    for (name, figure) in figures.members {
      for (member, title) in [("value", name), ("low", "\(name)_low"), ("high", "\(name)_high")] { values[title] = figure[member] }
    }
    return [EventRecord(step: step, at: Self.seconds(job.json["finished_at"]), Self.scalars("report", values))]
  }

  private static func scalars(_ group: String, _ values: JSONObject) -> [(tag: String, value: Float)] {
    values.members.compactMap { name, value in value.double.map { ("\(group)/\(name)", Float($0)) } }
  }

  /// Since 1970, of a time in RFC 3339.
  private static func seconds(_ value: JSONValue?) -> Double {
    guard let text = value?.string else { return 0 }
    let formats = [true, false].map { Date.ISO8601FormatStyle(includingFractionalSeconds: $0) }
    return formats.lazy.compactMap { try? Date(text, strategy: $0) }.first?.timeIntervalSince1970 ?? 0
  }
}
