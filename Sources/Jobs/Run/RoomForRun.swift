import Files
import Foundation
import Robustness
import Synchronization

/// Lets a run without a service wait while the disk is full: what `RoomForJob` is in a service, without a reserve.
package final class RoomForRun: Sendable {
  private let control: RunControl
  private let pause: Double
  private let warn: @Sendable (Warning) -> Void
  private let hasWarned = Mutex(false)

  /// - Parameters:
  ///   - pause: seconds from one try to the next.
  ///   - warn: told once that the run waits.
  package init(_ control: RunControl, pause: Double = 0.5, warn: @escaping @Sendable (Warning) -> Void) {
    self.control = control
    self.pause = pause
    self.warn = warn
  }

  /// Waits before another try.
  ///
  /// - Throws: the error itself when it is no lack of room; an interruption of the run.
  package func wait(for error: StorageError) throws {
    guard error.isFull else { throw error }
    let isFirst = hasWarned.withLock { hasWarned in
      defer { hasWarned = true }
      return !hasWarned
    }
    if isFirst { warn(Self.diskFull) }
    try control.check()
    Thread.sleep(forTimeInterval: pause)
    try control.check()
  }

  private static let diskFull = Warning(
    code: "disk_full", detail: "The disk is full. As long as it is, the run waits, and then it goes on; nothing of it is lost.")
}
