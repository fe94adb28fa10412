import JSON
import Foundation
import Synchronization

/// Follows a job on a server to its end and shows its progress.
struct JobWatch: Sendable {
  let jobs: JobClient
  let display: ProgressDisplay
  /// The seconds after which the command stops waiting; nil for no limit. The job goes on.
  var timeout: Double?

  /// Waits for the job's end and returns the job in its final state.
  ///
  /// - Throws: `CommandFailure` (timeout or out of reach), `Refusal`, `LostConnection`.
  func untilEnd(of id: String) async throws -> JobView {
    defer { display.finish() }
    let events = JobEvents(client: jobs.client, job: id)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await events.follow { show($0) }
        return true
      }
      if let timeout {
        group.addTask {
          try await Task.sleep(for: .seconds(timeout))
          return false
        }
      }
      let ended = try await group.next() ?? false
      group.cancelAll()
      guard ended else {
        throw CommandFailure(.unreachable, "the job \(id) has not ended within \(ProgressBar.decimal(timeout ?? 0, 0)) seconds; it goes on")
      }
    }
    return try await jobs.job(id)
  }

  private func show(_ event: StreamEvent) {
    // An event that cannot be parsed costs one line of progress only. The end is recognised by the event's name, and the result comes
    // from the job itself.
    guard let data = try? JSONValue(parsing: event.data) else { return }
    switch event.name {
    case "progress": display.update { $0.take(progress: data) }
    case "metric":
      let named = Self.metrics(data)
      if let epoch = data["epoch"]?.integer { display.epoch(epoch, phase: data["phase"]?.string, metrics: named) }
    case "warning": display.note("warning \(data["code"]?.string ?? ""): \(data["detail"]?.string ?? "")")
    case "state":
      let reason = data["reason"]?.string.map { ": \($0)" } ?? ""
      if let state = data["state"]?.string, ["queued", "paused", "failed", "cancelled"].contains(state) || !reason.isEmpty {
        display.note(state + reason)
      }
    default: break
    }
  }

  private static func metrics(_ data: JSONValue) -> [(name: String, value: Double)] {
    guard case .object(let object) = data["values"] else { return [] }
    return object.members.compactMap { key, value in value.double.map { (key, $0) } }
  }
}
