import Dispatch
import Glibc
import Logging
import Synchronization

/// Answers one request. Runs on the server's own threads and may block; its task is cancelled when the client goes.
package typealias Handler = @Sendable (Request) async throws -> Response

/// An HTTP/1.1 server (RFC 9110, RFC 9112).
package final class Server: Sendable {
  private let context: ServerContext
  private let loops: [EventLoop]
  private let listener = Mutex<Listener?>(nil)

  package init(configuration: ServerConfiguration, logger: Logger, handler: @escaping Handler) {
    context = ServerContext(configuration: configuration, logger: logger, handler: handler)
    loops = (0..<max(1, configuration.socketQueues)).map { EventLoop(index: $0, timeouts: configuration.timeouts) }
  }

  deinit {
    listener.withLock { $0?.cancel() }
    context.pool.end()
  }

  package var metrics: ServerMetrics { context.metrics }

  /// Whether ``drain(within:)`` has begun; long polls may want to answer at once then.
  package var isDraining: Bool { context.isDraining }

  /// Listens and serves from now on.
  /// - Returns: the address with the port that the system chose where the configuration left it open.
  /// - Throws: an error whose description says what is wrong with the address.
  package func start() throws -> SocketAddress {
    // A write to a closed socket is an error here, never the end of the process. OpenSSL writes without MSG_NOSIGNAL.
    signal(SIGPIPE, SIG_IGN)
    let configuration = context.configuration
    let (context, loops) = (context, loops)
    var next = 0
    let listener = try Listener(host: configuration.host, port: configuration.port, queue: loops[0].queue) { descriptor, address in
      next += 1
      return Self.take(descriptor, address, context, loops[next % loops.count])
    }
    self.listener.withLock { $0 = listener }
    return listener.address
  }

  /// Stops accepting, lets what is in flight finish, and closes. Streams are cancelled at once. What is still running after
  /// `seconds` is cancelled and its connection cut.
  package func drain(within seconds: Double) async {
    context.draining.store(true, ordering: .relaxed)
    listener.withLock { listener in
      listener?.cancel()
      listener = nil
    }
    for loop in loops { loop.forEach { $0.drain() } }
    await waitForConnections(seconds)
    for loop in loops { loop.forEach { $0.abort() } }
    await waitForConnections(1)
    context.pool.end()
  }

  private func waitForConnections(_ seconds: Double) async {
    let end = ContinuousClock.now + .seconds(max(0, seconds))
    while context.connections.load(ordering: .relaxed) > 0, ContinuousClock.now < end {
      do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
    }
  }

  /// Connections beyond the limit are told so; far beyond it they must wait in the system's queue.
  private static func take(_ descriptor: Int32, _ address: SocketAddress, _ context: ServerContext, _ loop: EventLoop) -> Bool {
    let limit = context.configuration.limits.maxConnections
    let count = context.connections.add(1, ordering: .relaxed).newValue
    context.metrics.opened()
    let connection = Connection(transport: PlainTransport(descriptor: descriptor), remoteAddress: address, loop: loop, context: context)
    let refusal =
      count <= limit
      ? nil : HTTPError(.serviceUnavailable, detail: "The server has as many connections as it takes.", headers: [.retryAfter: "1"])
    if refusal != nil { context.metrics.refused() }
    loop.queue.async { connection.start(refusal: refusal) }
    return count < limit + 64
  }
}
