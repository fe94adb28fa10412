/// Where a job stands.
package enum JobState: String, CaseIterable, Hashable, Sendable, Codable {
  case queued, running, pausing, paused, cancelling, succeeded, failed, cancelled

  /// The states that may follow: the one table of a job's life.
  package var successors: Set<JobState> {
    switch self {
    case .queued: [.running, .paused, .cancelled, .failed]
    // Back to queued: the process ends, or ended, and the next one goes on.
    case .running: [.succeeded, .failed, .pausing, .cancelling, .queued]
    // A run may end before it sees that it should pause.
    case .pausing: [.paused, .cancelling, .succeeded, .failed]
    case .paused: [.queued, .cancelled]
    case .cancelling: [.cancelled]
    case .succeeded, .failed, .cancelled: []
    }
  }

  /// Whether it is for ever.
  package var isTerminal: Bool { successors.isEmpty }
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
