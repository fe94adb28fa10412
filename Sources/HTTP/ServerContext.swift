import Dispatch
import Logging
import Synchronization

/// The state that all connections of a server share.
final class ServerContext: Sendable {
  let configuration: ServerConfiguration
  let logger: Logger
  let immediate: ImmediateHandler?
  let handler: Handler
  let metrics: ServerMetrics
  let pool: HandlerPool
  let accessLog: AccessLog
  let connections: ConnectionCount
  /// Queues that read files, since a disk may hang for long. Each is a thread at most; connections are spread over them.
  let fileQueues = (0..<ServerConfiguration.fileQueues).map { DispatchQueue(label: "http-files-\($0)") }
  /// nil on a plain port.
  let tls = Mutex<TLSContext?>(nil)
  let draining = Atomic<Bool>(false)

  init(configuration: ServerConfiguration, logger: Logger, immediate: ImmediateHandler?, handler: @escaping Handler) {
    self.configuration = configuration
    self.logger = logger
    self.immediate = immediate
    self.handler = handler
    connections = ConnectionCount(mostPerAddress: configuration.limits.maxConnectionsPerAddress, exempt: configuration.proxies)
    pool = HandlerPool(threads: configuration.handlerThreads)
    metrics = ServerMetrics(pool: pool)
    accessLog = AccessLog(logger)
  }

  var isDraining: Bool { draining.load(ordering: .relaxed) }
}
