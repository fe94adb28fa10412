import Dispatch
import Glibc

/// A serial queue and the connections that run on it. One timer checks the deadlines of all of them.
final class EventLoop: @unchecked Sendable {  // safe: all mutable state is used on `queue`
  let queue: DispatchQueue
  /// The buffer that every read of this queue goes to first.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
  /// `timeouts.handlerWait` in nanoseconds.
  let handlerWait: UInt64
  /// `timeouts.replaceable` in nanoseconds.
  private let longIdle: UInt64
  private var connections: [ObjectIdentifier: Connection] = [:]
  private let timer: any DispatchSourceTimer
  private var dateSecond = -1
  private var dateText = ""

  init(index: Int, timeouts: ServerConfiguration.Timeouts) {
    queue = DispatchQueue(label: "http-sockets-\(index)")
    timer = DispatchSource.makeTimerSource(queue: queue)
    handlerWait = UInt64(min(max(0, timeouts.handlerWait), 1e9) * 1e9)
    longIdle = UInt64(min(max(0, timeouts.replaceable), 1e9) * 1e9)
    let shortest = min(
      timeouts.header, timeouts.body, timeouts.idle, timeouts.write, timeouts.linger, timeouts.halfClosed, timeouts.handlerWait)
    let milliseconds = Int(min(500, max(10, shortest * 250)))
    timer.schedule(deadline: .now(), repeating: .milliseconds(milliseconds), leeway: .milliseconds(milliseconds / 4))
    timer.setEventHandler { [weak self] in self?.sweep() }
    timer.activate()
  }

  deinit {
    timer.cancel()
    scratch.deallocate()
  }

  /// The value of the `Date` field, formatted once a second.
  var date: String {
    let second = time(nil)
    if second != dateSecond {
      dateSecond = second
      dateText = HTTPDate.string(secondsSince1970: second)
    }
    return dateText
  }

  func add(_ connection: Connection) { connections[ObjectIdentifier(connection)] = connection }
  func remove(_ connection: Connection) { connections[ObjectIdentifier(connection)] = nil }

  func forEach(_ body: @escaping @Sendable (Connection) -> Void) {
    queue.async { [self] in
      for connection in connections.values { body(connection) }
    }
  }

  /// Closes the connection that has been without a request for the longest, if it has been for `timeouts.replaceable` seconds.
  func closeLongestIdle() -> Bool {
    let idle = connections.values.compactMap { connection in connection.idleSince.map { (connection, $0) } }
    guard let (connection, since) = idle.min(by: { $0.1 < $1.1 }) else { return false }
    guard since + longIdle < DispatchTime.now().uptimeNanoseconds else { return false }
    connection.close()
    return true
  }

  private func sweep() {
    let now = DispatchTime.now().uptimeNanoseconds
    for connection in connections.values { connection.checkDeadlines(now) }
  }
}
