import Dispatch
import Glibc
import Logging
import Synchronization

/// Answers one request. It runs on the handler threads and may block. Its task is cancelled when the client disconnects.
package typealias Handler = @Sendable (Request) async throws -> Response

/// Answers a request from memory, or returns nil to leave it to the ``Handler``. It runs on a queue that many connections share, so it
/// must never block: not on a file, and not on a lock that is held for long.
package typealias ImmediateHandler = @Sendable (Request) -> Response?

/// An HTTP/1.1 server (RFC 9110, RFC 9112).
package final class Server: Sendable {
  private let context: ServerContext
  private let loops: [EventLoop]
  private let listener = Mutex<Listener?>(nil)

  /// - Parameters:
  ///   - immediate: tried before `handler` for each request without a body. An answer without a body, or with its bytes in memory, is
  ///     sent at once and needs no handler thread, so it works even while all of those hang.
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

  /// Whether ``drain(within:)`` has begun. Long polls should answer at once then.
  package var isDraining: Bool { context.isDraining }

  /// Begins to listen and serve.
  /// - Returns: the address, with the port that the system chose if the configured one is 0.
  /// - Throws: an error whose description says what is wrong with the address.
  package func start() throws -> SocketAddress {
    // A write to a closed socket or pipe must be an error and not end the process.
    signal(SIGPIPE, SIG_IGN)
    let configuration = context.configuration
    try reloadCertificates()
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

  /// Reads the files of TLS anew for connections to come; open ones go on as they are. Does nothing on a plain port.
  /// - Throws: an error whose description says what is wrong with the files. The ones before stay in use.
  package func reloadCertificates() throws {
    guard let files = context.configuration.tls else { return }
    let fresh = try TLSContext(files)
    context.tls.withLock { $0 = fresh }
  }

  /// The configured number of connections, or fewer if the process may not open so many files.
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

  /// Stops accepting, lets requests in flight finish, and closes. Streams are cancelled at once. Requests that still run after `seconds`
  /// are cancelled and their connections closed.
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
    while context.connections.all > 0, ContinuousClock.now < end {
      do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
    }
  }

  private static func transport(for descriptor: Int32, _ context: ServerContext) -> any Transport {
    guard context.configuration.tls != nil else { return PlainTransport(descriptor: descriptor) }
    let secure = context.tls.withLock { $0 }?.connection(on: descriptor)
    // Never in the clear: without memory for TLS the connection ends before its first byte.
    if let secure { return secure }
    return DeadTransport(descriptor: descriptor)
  }

  private static let tooManyConnections = HTTPError(
    .serviceUnavailable, detail: "The server has as many connections as it takes.", headers: [.retryAfter: "1"])

  private static let tooManyOfAddress = HTTPError(
    .serviceUnavailable, detail: "Your address has as many connections open as the server takes from one.", headers: [.retryAfter: "1"])

  /// Takes a connection. Beyond the limit it takes the place of one that has been idle for long; without such a one it is answered with 503;
  /// far beyond the limit, accepting pauses and clients wait in the system's queue.
  private static func take(
    _ descriptor: Int32, _ address: SocketAddress, limit: Int, _ context: ServerContext, _ loop: EventLoop
  ) -> Bool {
    let (count, isAddressFull) = context.connections.add(address)
    context.metrics.opened()
    let transport = transport(for: descriptor, context)
    let connection = Connection(transport: transport, remoteAddress: address, loop: loop, context: context)
    loop.queue.async {
      let isFull = count > limit && !loop.closeLongestIdle()
      if isFull || isAddressFull { context.metrics.refused() }
      connection.start(refusal: isFull ? tooManyConnections : isAddressFull ? tooManyOfAddress : nil)
    }
    return count < limit + DescriptorLimit.refusals
  }
}
