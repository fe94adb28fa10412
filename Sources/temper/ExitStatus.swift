import Robustness

/// The exit codes of commands. CI pipelines depend on the numbers. Thrown as an error, it ends the command without a message.
package enum ExitStatus: Int32, Error, CaseIterable, Sendable {
  /// Success, and every gate passed.
  case fine = 0
  case jobFailed = 1
  /// A usage error, or an invalid spec.
  case usage = 2
  case gateFailed = 3
  case cancelled = 4
  /// A timeout, or the server is out of reach.
  case unreachable = 5
  case inconclusive = 6

  package init(_ verdict: Verdict) {
    self =
      switch verdict {
      case .pass: .fine
      case .fail: .gateFailed
      case .inconclusive: .inconclusive
      }
  }

  /// The code for an HTTP status that is not a success: 4xx is a usage error, everything else the server's failure.
  package init(httpStatus status: Int) {
    self = (400..<500).contains(status) && status != 408 && status != 429 ? .usage : .unreachable
  }

  /// In a few words.
  var meaning: String {
    switch self {
    case .fine: "All is well"
    case .jobFailed: "The job failed"
    case .usage: "The command cannot be run so"
    case .gateFailed: "A gate failed"
    case .cancelled: "The job was cancelled"
    case .unreachable: "The server is out of reach, or it took too long"
    case .inconclusive: "There is no verdict"
    }
  }

  /// Ends the command with this code; `fine` lets it return.
  func exit() throws {
    if self != .fine { throw self }
  }
}

/// Why a command cannot go on, as text for a person, and its exit code.
struct CommandFailure: Error, CustomStringConvertible {
  var status: ExitStatus
  /// One or more lines, without a line break at the end.
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  var description: String { message }
}
