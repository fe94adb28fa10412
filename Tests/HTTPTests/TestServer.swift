import Files
import Foundation
import Glibc
import HTTP
import Logging
import Synchronization

/// Collects the lines that a server logs.
final class LogBook: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let message: String
    let fields: [String: String]
  }

  private let kept = Mutex<[Line]>([])
  var lines: [Line] { kept.withLock { $0 } }
  var requests: [Line] { lines.filter { $0.message == "request" } }

  private let gate = DispatchSemaphore(value: 1)

  /// Blocks every logging call until `release`.
  func hold() { gate.wait() }
  func release() { gate.signal() }

  fileprivate func add(_ line: Line) {
    gate.wait()
    defer { gate.signal() }
    kept.withLock { $0.append(line) }
  }

  var logger: Logger {
    Logger(label: "test") { _ in Handler(book: self) }
  }

  private struct Handler: LogHandler {
    let book: LogBook
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).mapValues { "\($0)" }
      book.add(Line(level: event.level, message: "\(event.message)", fields: fields))
    }
  }
}

/// A real server on a free port of this machine, for as long as `body` runs.
func withServer(
  _ configure: (inout ServerConfiguration) -> Void = { _ in }, immediate: HTTP.ImmediateHandler? = nil, handler: @escaping HTTP.Handler,
  _ body: (_ port: Int, _ server: Server, _ log: LogBook) async throws -> Void
) async throws {
  var configuration = ServerConfiguration()
  configuration.handlerThreads = 2
  configuration.timeouts.linger = 0.5
  configure(&configuration)
  let log = LogBook()
  let server = Server(configuration: configuration, logger: log.logger, immediate: immediate, handler: handler)
  let address = try server.start()
  do {
    try await withTaskExecutorPreference(TestThreads()) { try await body(address.port, server, log) }
  } catch {
    await server.drain(within: 0)
    throw error
  }
  await server.drain(within: 0)
}

/// Threads on which a test may block. Swift's pool has only one thread per core, and the timers of all tasks run on it.
private final class TestThreads: TaskExecutor {
  private let queue = DispatchQueue(label: "test", attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Waits for something that happens soon on another thread; false when it did not.
///
/// It blocks one of the test's own threads and uses no timer of a task, because those run on Swift's pool.
func eventually(within seconds: Double = 20, _ condition: () -> Bool) async -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  while !condition() {
    if ContinuousClock.now > end { return false }
    sched_yield()
    poll(nil, 0, 2)
  }
  return true
}

/// The end of a request line and the field that every request needs.
let host = "HTTP/1.1\r\nHost: a\r\n"

/// Answers with the method, the path and the body of the request.
@Sendable func echo(_ request: Request) async throws -> Response {
  .text("\(request.method.rawValue) \(request.path) " + String(decoding: try await request.body.collect(), as: UTF8.self))
}

/// Sends hundreds of requests to `/turn`, so that every queue of the server has had the chance to do other work.
func takeTurns(_ port: Int) throws {
  let clients = try (0..<4).map { _ in try RawClient(port: port) }
  for _ in 0..<100 {
    for client in clients { client.send("GET /turn \(host)\r\n") }
    for client in clients { _ = try client.answer() }
  }
}

/// Suspends tasks until it is opened or they are cancelled.
final class Latch: Sendable {
  private struct State {
    var isOpen = false
    var last = 0
    var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
  }
  private let state = Mutex(State())

  var waiting: Int { state.withLock { $0.waiting.count } }

  /// - Throws: `CancellationError`.
  func wait() async throws {
    let number = state.withLock { state in
      state.last += 1
      return state.last
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        state.withLock { state in
          if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
          if state.isOpen { return continuation.resume() }
          state.waiting[number] = continuation
        }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(throwing: CancellationError())
    }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [:] }
      return state.waiting.values
    }
    for continuation in waiting { continuation.resume() }
  }
}

/// Blocks the threads of handlers until it is opened.
final class Barrier: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private let arrivals = Mutex(0)
  var arrived: Int { arrivals.withLock { $0 } }

  func block() {
    arrivals.withLock { $0 += 1 }
    semaphore.wait()
    semaphore.signal()
  }

  func open() { semaphore.signal() }
}

/// A temporary file whose bytes differ by position.
final class TemporaryFile: Sendable {
  let path: String
  let bytes: [UInt8]

  convenience init(count: Int) throws {
    try self.init(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
  }

  convenience init(text: String) throws { try self.init(bytes: Array(text.utf8)) }

  private init(bytes: [UInt8]) throws {
    self.bytes = bytes
    path = FileManager.default.temporaryDirectory.appendingPathComponent("http-\(UUID().uuidString)").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  func open() throws -> FileBody { FileBody(try OpenFile(URL(fileURLWithPath: path))) }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
