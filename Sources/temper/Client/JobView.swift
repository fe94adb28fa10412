import JSON
import Foundation
import Robustness

/// A job object of the API, as far as the command line shows it.
struct JobView: Sendable {
  let json: JSONValue
  let id: String
  let state: String
  let isTerminal: Bool

  /// - Throws: `CommandFailure` when `json` is no job.
  init(_ json: JSONValue) throws {
    guard let id = json["id"]?.text, let state = json["state"]?.text, case .bool(let terminal) = json["terminal"] else {
      throw CommandFailure(.unreachable, "the server's answer is no job; is this a Temper server?")
    }
    self.json = json
    self.id = id
    self.state = state
    isTerminal = terminal
  }

  var name: String? { json["name"]?.text }
  var reason: String? { json["reason"]?.text }

  /// What the state says of a command that waited for its end.
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
    facts.cleanAccuracy = json["metrics"]?["clean_accuracy"]?.double
    facts.robustAccuracy = json["metrics"]?["robust_accuracy"]?.double
    return facts
  }

  /// For a person: a line for each fact.
  var summary: String {
    var lines = ["\(id)  \(state)" + (name.map { "  \($0)" } ?? "")]
    if let reason { lines.append("  reason    \(reason)") }
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
    for warning in json["warnings"]?.elements ?? [] {
      lines.append("  warning   \(warning["code"]?.text ?? ""): \(warning["detail"]?.text ?? "")")
    }
    for (title, key) in [("created", "created_at"), ("started", "started_at"), ("finished", "finished_at")] {
      if let time = json[key]?.text { lines.append("  \(title)".padding(toLength: 12, withPad: " ", startingAt: 0) + time) }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ProgressFacts {
  /// Takes over the `progress` object of a job or of an event.
  mutating func take(progress: JSONValue?) {
    guard let progress else { return }
    phase = progress["phase"]?.text
    epoch = progress["epoch"]?.integer
    epochs = progress["epochs"]?.integer
    fraction = progress["fraction"]?.double
    etaSeconds = progress["eta_seconds"]?.double
    examplesPerSecond = progress["examples_per_second"]?.double
  }
}
