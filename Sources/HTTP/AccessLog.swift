import Dispatch
import Foundation
import Logging

/// Logs one line per request. Lines are written on a separate queue, because formatting one takes longer than a small answer, and because
/// a blocked log must not block the sockets.
final class AccessLog: @unchecked Sendable {  // safe: all mutable state is used with `condition` locked
  struct Line: Sendable {
    /// nil, like `path`, when the request could not be parsed.
    let method: HTTPRequest.Method?
    let path: String?
    /// The pattern of the route; nil when there is none.
    let route: String?
    /// The name of the token; nil without one.
    let caller: String?
    let status: Int?
    let seconds: Double
    let bytes: Int
    let requestID: String
    let remote: SocketAddress
    let aborted: Bool
  }

  private let logger: Logger
  private let queue = DispatchQueue(label: "http-access-log")
  private let condition = NSCondition()
  private let capacity: Int
  private var lines: [Line] = []
  private var isWriting = false
  /// The log took no line within `patience`. Lines are dropped until it takes one again.
  private var isStalled = false
  private var dropped = 0

  /// Lines that are taken from the queue at a time.
  private static let batch = 256
  /// Seconds.
  private static let patience = 0.1

  init(_ logger: Logger, capacity: Int = 8192) {
    self.logger = logger
    self.capacity = capacity
  }

  var isOn: Bool { logger.logLevel <= .info }

  /// Adds a line. When the queue is full it waits for room; when the log takes nothing at all, it waits once for `patience` and drops
  /// lines from then on.
  func add(_ line: Line) {
    condition.withLock {
      if lines.count >= capacity { waitForRoom() }
      guard lines.count < capacity else { return dropped += 1 }
      lines.append(line)
      guard !isWriting else { return }
      isWriting = true
      queue.async { self.write() }
    }
  }

  private func waitForRoom() {
    let end = Date(timeIntervalSinceNow: Self.patience)
    while lines.count >= capacity, !isStalled {
      if !condition.wait(until: end) { isStalled = true }
    }
  }

  /// Waits until all lines are written, for at most `seconds`.
  func flush(within seconds: Double) {
    let end = Date(timeIntervalSinceNow: seconds)
    condition.withLock {
      while isWriting, condition.wait(until: end) {}
    }
  }

  private func write() {
    while let (lines, dropped) = take() {
      if dropped > 0 {
        logger.warning("requests were not logged: the log did not take them", metadata: ["count": .stringConvertible(dropped)])
      }
      for line in lines { logger.info("request", metadata: Self.metadata(line)) }
    }
  }

  /// nil when all lines are written.
  private func take() -> ([Line], dropped: Int)? {
    condition.withLock {
      defer { condition.broadcast() }
      isStalled = false
      guard !lines.isEmpty || dropped > 0 else {
        isWriting = false
        return nil
      }
      let batch = Array(lines.prefix(Self.batch))
      lines.removeFirst(batch.count)
      defer { dropped = 0 }
      return (batch, dropped)
    }
  }

  private static func metadata(_ line: Line) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "method": "\(line.method?.rawValue ?? "-")", "path": "\(line.path ?? "-")", "status": .stringConvertible(line.status ?? 0),
      "duration_ms": .stringConvertible((line.seconds * 1e6).rounded() / 1e3), "bytes": .stringConvertible(line.bytes),
      "request_id": "\(line.requestID)", "remote": "\(line.remote)",
    ]
    if let route = line.route { metadata["route"] = "\(route)" }
    if let caller = line.caller { metadata["token"] = "\(caller)" }
    if line.aborted { metadata["aborted"] = "true" }
    return metadata
  }
}
