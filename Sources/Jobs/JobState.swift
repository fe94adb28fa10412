/// The state of a job.
package enum JobState: String, CaseIterable, Hashable, Sendable, Codable {
  case queued, running, pausing, paused, cancelling, succeeded, failed, cancelled

  /// The states that may follow this one.
  package var successors: Set<JobState> {
    switch self {
    case .queued: [.running, .paused, .cancelled, .failed]
    // A job goes back to `queued` when the process ends; the next process continues it.
    case .running: [.succeeded, .failed, .pausing, .cancelling, .queued]
    // A run may end before it notices the request to pause.
    case .pausing: [.paused, .cancelling, .succeeded, .failed]
    case .paused: [.queued, .cancelled]
    case .cancelling: [.cancelled]
    case .succeeded, .failed, .cancelled: []
    }
  }

  /// Whether the job can never leave this state.
  package var isTerminal: Bool { successors.isEmpty }

  /// The states that a job can never leave, as a list of SQL.
  static let terminalInSQL = "(" + allCases.filter(\.isTerminal).map { "'\($0.rawValue)'" }.joined(separator: ", ") + ")"
}

/// A change of state that the table does not allow.
package struct IllegalTransition: Error, Hashable, Sendable, CustomStringConvertible {
  package let job: String
  /// The present state.
  package let state: JobState
  package let wanted: JobState

  package var description: String {
    let verb =
      switch wanted {
      case .cancelling, .cancelled: "cancelled"
      case .pausing, .paused: "paused"
      case .queued: "resumed"
      case .running: "started"
      case .succeeded, .failed: "ended"
      }
    return "the job is \(state.rawValue)\(state.isTerminal ? ", which is final," : "") and cannot be \(verb)"
  }
}
