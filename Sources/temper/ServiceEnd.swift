import Files
import Foundation
import Glibc
import Logging
import Service

/// The end of the service, as its signals ask for it. That the stop is ordered is stored first, on a thread of its own, so that neither a
/// second signal nor a process without further threads turns it into a crash of the running jobs.
///
/// `@unchecked Sendable`: all mutable state is used with `condition` locked.
final class ServiceEnd: @unchecked Sendable {
  private let condition = NSCondition()
  private let logger: Logger
  private var service: TemperService?
  private var isAsked = false
  private var isMarked = false

  /// The seconds for which a second signal waits for the mark of the first.
  private static let patience = 3.0

  /// - Parameter seconds: after which the process ends, whatever still keeps it.
  /// - Throws: `StorageError` when there is no thread left.
  init(within seconds: Double, _ logger: Logger) throws {
    self.logger = logger
    _ = try SystemThread("temper-end", stackBytes: 1 << 20) { [self] in
      waitForRequest()
      mark()
      Thread.sleep(forTimeInterval: seconds)
      logger.critical("the end took too long; what was under way is cut off")
      Glibc._exit(ExitStatus.jobFailed.rawValue)
    }
  }

  /// From now on there is a service to end. To be called before it starts.
  func take(_ service: TemperService) {
    let isAsked = condition.withLock {
      self.service = service
      return self.isAsked
    }
    if isAsked { service.announceEnd() }
  }

  /// Asks for the end.
  func begin() {
    condition.withLock {
      isAsked = true
      condition.broadcast()
    }
  }

  /// Ends the process at once, but for the mark.
  func end(_ status: Int32) -> Never {
    let limit = Date(timeIntervalSinceNow: Self.patience)
    condition.withLock { while !isMarked, condition.wait(until: limit) {} }
    Glibc._exit(status)
  }

  private func waitForRequest() {
    condition.withLock { while !isAsked { condition.wait() } }
  }

  private func mark() {
    condition.withLock { service }?.announceEnd()
    condition.withLock {
      isMarked = true
      condition.broadcast()
    }
  }
}
