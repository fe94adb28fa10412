import Datasets
import Dispatch
import Files
import Foundation
import HTTP
import Jobs
import Logging
import TensorEngine

/// The whole service: the store, the workers on the tensor engine, and the server that speaks for them.
package final class TemperService: Sendable {
  private let configuration: ServiceConfiguration
  private let routes: Routes
  private let server: Server
  private let housekeeper: Housekeeper
  private let logger: Logger

  /// Takes the data directory. Nothing runs before `start()`.
  ///
  /// - Throws: `ServiceError`, `DataDirectoryError`: sentences for whoever starts the process.
  package init(configuration: ServiceConfiguration, logger: Logger) throws {
    guard AllowedHosts.isLoopback(configuration.host) else {
      throw ServiceError(
        "\(configuration.host) is reachable from other machines, and this service asks nobody who they are: "
          + "listen on 127.0.0.1, ::1 or localhost")
    }
    self.configuration = configuration
    self.logger = logger
    let directory = try DataDirectory(configuration.dataDirectory, reserveBytes: configuration.storage.reserveBytes) { name, reason in
      logger.warning("moved into lost+found", metadata: ["name": "\(name)", "reason": "\(reason)"])
    }
    let store = try Store(directory, logger: logger)
    housekeeper = Housekeeper(store, settings: configuration.storage.housekeeping, logger: logger)
    let registry = Registry(store, limits: DatasetLimits(uncompressedBytes: configuration.limits.uncompressedDatasetBytes))
    let engine = configuration.engineThreads.map { Engine(threads: $0) } ?? Engine()
    let budget = configuration.memoryBudget ?? MachineMemory.usable
    let workers = Workers(
      store: store, registry: registry, engine: engine, count: configuration.workers, memoryBudget: budget,
      fruitlessAttempts: configuration.fruitlessAttempts, keepsEnds: configuration.storage.housekeeping.succeededStateDays > 0,
      logger: logger)
    let status = ServiceStatus()
    routes = Routes(
      configuration: configuration, store: store, workers: workers, registry: registry,
      check: SpecCheck(registry, programs: engine.programs, threads: engine.threads, memoryBudget: budget), engine: engine,
      status: status, idempotency: Idempotency(store))
    let router = Router(routes.table.map(\.route))
    let hosts = AllowedHosts(publicHosts: configuration.publicHosts)
    server = Server(
      configuration: Self.server(configuration), logger: logger, immediate: Self.immediate(router, hosts),
      handler: Self.handler(router, hosts, logger))
    status.observe(server.metrics)
  }

  private static func server(_ configuration: ServiceConfiguration) -> ServerConfiguration {
    var server = ServerConfiguration(host: configuration.host, port: configuration.port)
    server.limits = configuration.connectionLimits
    server.timeouts = configuration.timeouts
    server.handlerThreads = configuration.handlerThreads
    server.serverName = "temper"
    server.proxies = configuration.proxies.compactMap { NetworkRange($0) }
    return server
  }

  private static func handler(_ router: Router, _ hosts: AllowedHosts, _ logger: Logger) -> Handler {
    { request in
      do {
        try hosts.check(request)
        var response = try await router(request)
        response.headers[.contentOptions] = "nosniff"
        return response
      } catch {
        // A client is not told what is wrong with the disk. What has no translation is logged by the server, with the request's id.
        if let error = error as? StorageError {
          logger.error("the storage failed", metadata: ["request": "\(request.requestID)", "error": "\(error)"])
        }
        throw HTTPError(translating: error) ?? error
      }
    }
  }

  /// What can be answered from memory.
  private static func immediate(_ router: Router, _ hosts: AllowedHosts) -> ImmediateHandler {
    { request in
      // A foreign client's refusal is the handler's.
      guard (try? hosts.check(request)) != nil, var response = router.immediate(request) else { return nil }
      response.headers[.contentOptions] = "nosniff"
      return response
    }
  }

  /// Goes on with what the process before this one left, and listens.
  /// - Returns: the address, with the port that the system chose where the configuration left it open.
  package func start() throws -> SocketAddress {
    try routes.workers.start()
    housekeeper.start()
    return try server.start()
  }

  /// Notes with the running jobs that the service is about to end, and asks them to: what follows is no crash of theirs.
  package func announceEnd() { routes.workers.beginDrain() }

  /// Ends well: running jobs save their state and go back to the queue, requests in flight finish, and the data directory is free.
  package func drain() async {
    routes.status.drain()
    // Long polls are answered now, event streams end: their clients come back to whoever serves next.
    routes.store.endWaiting()
    let ended = await drainWorkers()
    await server.drain(within: configuration.drainSeconds)
    housekeeper.end()
    // A job that is still running writes to the store; the end of the process frees the directory then.
    guard ended else { return }
    do { try routes.store.close() } catch { logger.warning("the store is still in use", metadata: ["error": "\(error)"]) }
  }

  /// On a thread of its own: it waits for a batch to end, and perhaps an evaluation.
  private func drainWorkers() async -> Bool {
    let (workers, seconds) = (routes.workers, configuration.drainSeconds)
    let ended = await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: workers.drain(within: seconds)) }
    }
    if !ended { logger.warning("a job did not stop in time; it goes on from its last saved state at the next start") }
    return ended
  }
}
