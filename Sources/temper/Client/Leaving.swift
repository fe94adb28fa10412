import Foundation
import Glibc

/// Ctrl-C while a command waits for what goes on without it: says so, and then ends the command as the signal would have.
struct Leaving {
  private let signals: Signals

  /// - Parameters:
  ///   - advice: what goes on, how to come back to it and how to end it.
  ///   - display: what is on the terminal meanwhile.
  init(_ advice: String, clearing display: ProgressDisplay? = nil) throws {
    signals = try Signals { number, _ in
      display?.finish()
      StandardStream.error.write("temper: \(advice)\n")
      signal(number, SIG_DFL)
      kill(getpid(), number)
    }
  }
}
