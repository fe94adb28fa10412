import Logging
import Synchronization

/// What all connections of a server share.
final class ServerContext: Sendable {
  let configuration: ServerConfiguration
  let logger: Logger
  let handler: Handler
  let metrics = ServerMetrics()
  let pool: HandlerPool
  let connections = Atomic<Int>(0)
  let draining = Atomic<Bool>(false)

  init(configuration: ServerConfiguration, logger: Logger, handler: @escaping Handler) {
    self.configuration = configuration
    self.logger = logger
    self.handler = handler
    pool = HandlerPool(threads: configuration.handlerThreads)
  }

  var isDraining: Bool { draining.load(ordering: .relaxed) }
}
