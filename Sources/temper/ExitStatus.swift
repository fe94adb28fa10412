import Robustness

/// What a command's exit code says; CI pipelines depend on the numbers. As an error it ends the command without a further word.
package enum ExitStatus: Int32, Error, CaseIterable, Sendable {
  /// Fine, and every gate passed.
  case fine = 0
  case jobFailed = 1
  /// Usage, or an invalid spec.
  case usage = 2
  case gateFailed = 3
  case cancelled = 4
  /// Timeout, or the server is out of reach.
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

  /// Of an HTTP status that is not a success: what the client did wrong is usage, everything else is the server's.
  package init(httpStatus status: Int) {
    self = (400..<500).contains(status) && status != 408 && status != 429 ? .usage : .unreachable
  }

  /// Ends the command with this code; `fine` lets it return.
  func exit() throws {
    if self != .fine { throw self }
  }
}

/// Why a command cannot go on, in words for a person, and its exit code.
struct CommandFailure: Error, CustomStringConvertible {
  var status: ExitStatus
  /// One or more lines, without the last line break.
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  var description: String { message }
}
