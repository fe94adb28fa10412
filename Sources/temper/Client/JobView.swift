import JSON
import Foundation
import Robustness

/// The parts of the API's job object that the command line uses.
struct JobView: Sendable {
  let json: JSONValue
  let id: String
  let state: String
  let isTerminal: Bool

  /// - Throws: `CommandFailure` when `json` is not a job.
  init(_ json: JSONValue) throws {
    guard let id = json["id"]?.string, let state = json["state"]?.string, case .bool(let terminal) = json["terminal"] else {
      throw CommandFailure(.unreachable, "the server's answer is no job; is this a Temper server?")
    }
    self.json = json
    self.id = id
    self.state = state
    isTerminal = terminal
  }

  var name: String? { json["name"]?.string }
  var reason: String? { json["reason"]?.string }
  var kind: String? { json["spec"]?["kind"]?.string }

  /// Of its report; `nil` as long as it has none.
  var verdict: String? { json["result"]?["verdict"]?.string }

  /// A figure of its report in per cent, such as `robust_accuracy`.
  func share(_ metric: String) -> String? {
    json["result"]?["figures"]?[metric]?["value"]?.double.map { ProgressBar.decimal($0 * 100, 1) + "%" }
  }

  /// The exit code for this final state.
  var exitStatus: ExitStatus {
    switch state {
    case "failed": .jobFailed
    case "cancelled", "cancelling": .cancelled
    default: .fine
    }
  }

  var progress: ProgressFacts {
    var facts = ProgressFacts()
    facts.take(progress: json["progress"])
    facts.loss = json["metrics"]?["loss"]?.double
    facts.cleanAccuracy = json["metrics"]?["validation_clean_accuracy"]?.double
    facts.robustAccuracy = json["metrics"]?["validation_robust_accuracy"]?.double
    return facts
  }

  /// What the report says, in short.
  private var result: [String] {
    guard let verdict, case .object(let figures)? = json["result"]?["figures"] else { return [] }
    let discredited = (json["result"]?["discredited_by"]?.elements ?? []).compactMap(\.string)
    let doubt = discredited.isEmpty ? "" : " (discredited by \(discredited.joined(separator: ", ")))"
    return ["  verdict   \(verdict)\(doubt)"]
      + figures.members.compactMap { name, figure in
        let isShare = name.hasSuffix("accuracy")
        func shown(_ member: String) -> String? {
          figure[member]?.double.map { isShare ? ProgressBar.decimal($0 * 100, 1) + "%" : ProgressBar.decimal($0, 4) }
        }
        guard let value = shown("value"), let low = shown("low"), let high = shown("high") else { return nil }
        return "  result    \(name) \(value) [\(low), \(high)]"
      }
  }

  /// A text with a line for each fact.
  var summary: String {
    var lines = ["\(id)  \(state)" + (name.map { "  \($0)" } ?? "")]
    if let reason { lines.append("  reason    \(reason)") }
    if let wait = json["waiting"], let detail = wait["detail"]?.string {
      let start = wait["starts_in_seconds"]?.double.map { " It likely begins in \(ProgressBar.duration($0))." } ?? ""
      lines.append("  waiting   \(detail)\(start)")
    }
    if let dataset = json["generated_dataset"]?.string { lines.append("  dataset   \(dataset)") }
    let progress = progress
    if let phase = progress.phase, !isTerminal {
      let epochs = progress.epoch.map { " \($0)" + (progress.epochs.map { "/\($0)" } ?? "") } ?? ""
      let percent = progress.fraction.map { ", \(ProgressBar.decimal($0 * 100, 0))%" } ?? ""
      let eta = progress.etaSeconds.map { ", eta \(ProgressBar.duration($0))" } ?? ""
      lines.append("  progress  \(phase)\(epochs)\(percent)\(eta)")
    }
    if case .object(let metrics) = json["metrics"], !metrics.keys.isEmpty {
      let shown = metrics.members.compactMap { key, value in value.double.map { "\(key) \(ProgressBar.decimal($0, 4))" } }
      lines.append("  metrics   \(shown.joined(separator: ", "))")
    }
    lines += result
    for warning in json["warnings"]?.elements ?? [] {
      lines.append("  warning   \(warning["code"]?.string ?? ""): \(warning["detail"]?.string ?? "")")
    }
    for (title, key) in [("created", "created_at"), ("started", "started_at"), ("finished", "finished_at")] {
      if let time = json[key]?.string { lines.append("  \(title)".padding(toLength: 12, withPad: " ", startingAt: 0) + time) }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension JobView {
  /// Prints it: all of it, or its id with its state.
  func write(_ output: OutputOptions) {
    StandardStream.output.write(output.asJSON ? json.serialised(pretty: true) + "\n" : "\(id)  \(state)\n")
  }
}

extension ProgressFacts {
  /// Takes the values of a `progress` object of a job or an event.
  mutating func take(progress: JSONValue?) {
    guard let progress else { return }
    phase = progress["phase"]?.string
    epoch = progress["epoch"]?.integer
    epochs = progress["epochs"]?.integer
    fraction = progress["fraction"]?.double
    etaSeconds = progress["eta_seconds"]?.double
    examplesPerSecond = progress["examples_per_second"]?.double
  }
}
