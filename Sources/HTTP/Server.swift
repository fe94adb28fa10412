import Dispatch
import Glibc
import Logging
import Synchronization

/// Answers one request. Runs on the server's own threads and may block; its task is cancelled when the client goes.
package typealias Handler = @Sendable (Request) async throws -> Response

/// Answers a request at once, from what is in memory, or gives nil and leaves it to the ``Handler``. It runs on the queue of the
/// connection, which others share: it must never block, neither for a file nor for a lock that somebody holds while they wait.
package typealias ImmediateHandler = @Sendable (Request) -> Response?

/// An HTTP/1.1 server (RFC 9110, RFC 9112).
package final class Server: Sendable {
  private let context: ServerContext
  private let loops: [EventLoop]
  private let listener = Mutex<Listener?>(nil)

  /// - Parameters:
  ///   - immediate: tried for each request without a body, before `handler`. An answer without a body or with its bytes is sent there and
  ///     then, with neither a task nor a thread of the handlers: also while all of those hang.
  package init(
    configuration: ServerConfiguration, logger: Logger, immediate: ImmediateHandler? = nil, handler: @escaping Handler
  ) {
    context = ServerContext(configuration: configuration, logger: logger, immediate: immediate, handler: handler)
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
    let limit = connectionLimit()
    var next = 0
    let listener = try Listener(host: configuration.host, port: configuration.port, queue: loops[0].queue) { descriptor, address in
      next += 1
      return Self.take(descriptor, address, limit: limit, context, loops[next % loops.count])
    }
    self.listener.withLock { $0 = listener }
    return listener.address
  }

  /// The configured number of connections, or fewer where the process may not open so many files.
  private func connectionLimit() -> Int {
    let limits = context.configuration.limits
    let descriptors = DescriptorLimit.current
    let connections = DescriptorLimit.connections(
      configured: limits.maxConnections, limit: descriptors, reserve: limits.descriptorReserve)
    if connections < limits.maxConnections {
      context.logger.warning(
        "the limit of open files leaves room for fewer connections than configured",
        metadata: [
          "connections": .stringConvertible(connections), "configured": .stringConvertible(limits.maxConnections),
          "descriptor_limit": .stringConvertible(descriptors), "reserve": .stringConvertible(limits.descriptorReserve),
        ])
    }
    return connections
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
    context.accessLog.flush(within: 1)
  }

  private func waitForConnections(_ seconds: Double) async {
    let end = ContinuousClock.now + .seconds(max(0, seconds))
    while context.connections.load(ordering: .relaxed) > 0, ContinuousClock.now < end {
      do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
    }
  }

  /// Connections beyond the limit are told so; far beyond it they must wait in the system's queue.
  private static func take(
    _ descriptor: Int32, _ address: SocketAddress, limit: Int, _ context: ServerContext, _ loop: EventLoop
  ) -> Bool {
    let count = context.connections.add(1, ordering: .relaxed).newValue
    context.metrics.opened()
    let connection = Connection(transport: PlainTransport(descriptor: descriptor), remoteAddress: address, loop: loop, context: context)
    let refusal =
      count <= limit
      ? nil : HTTPError(.serviceUnavailable, detail: "The server has as many connections as it takes.", headers: [.retryAfter: "1"])
    if refusal != nil { context.metrics.refused() }
    loop.queue.async { connection.start(refusal: refusal) }
    return count < limit + DescriptorLimit.refusals
  }
}
