import Datasets
import Dispatch
import Files
import Foundation
import HTTP
import JSON
import Jobs
import Logging
import TensorEngine

/// The whole service: the store, the workers on the tensor engine, and the server that speaks for them.
package final class TemperService: Sendable {
  private let configuration: ServiceConfiguration
  private let routes: Routes
  private let server: Server
  private let housekeeper: Housekeeper
  private let webhooks: WebhookSender
  private let scheduler: Scheduler
  private let logger: Logger

  /// Takes the data directory. Nothing runs before `start()`.
  ///
  /// - Throws: `ServiceError`, `DataDirectoryError`: sentences for whoever starts the process.
  package init(configuration: ServiceConfiguration, logger: Logger) throws {
    try Self.requireEncryption(configuration)
    self.configuration = configuration
    self.logger = logger
    let directory = try DataDirectory(
      configuration.dataDirectory, reserveBytes: configuration.storage.reserveBytes,
      report: { name, reason in logger.warning("moved into lost+found", metadata: ["name": "\(name)", "reason": "\(reason)"]) },
      notice: { logger.notice("the start waits", metadata: ["reason": "\($0)"]) })
    let store = try Store(directory, quotas: configuration.quotas, logger: logger)
    try Self.requireTokens(configuration, store)
    housekeeper = Housekeeper(store, settings: configuration.storage.housekeeping, logger: logger)
    webhooks = WebhookSender(store, WebhookNetworks(configuration.webhookNetworks), logger)
    let registry = Registry(store, limits: DatasetLimits(uncompressedBytes: configuration.limits.uncompressedDatasetBytes))
    let engine = configuration.engineThreads.map { Engine(threads: $0) } ?? Engine()
    let budget = configuration.memoryBudget ?? MachineMemory.usable
    let workers = Workers(
      store: store, registry: registry, engine: engine, count: configuration.workers, memoryBudget: budget,
      fruitlessAttempts: configuration.fruitlessAttempts, keepsEnds: configuration.storage.housekeeping.succeededStateDays > 0,
      logger: logger)
    let status = ServiceStatus()
    // With tokens a name that somebody makes point here gains nothing, unless the configuration names the right ones.
    let isOpenToNames = !AllowedHosts.isLoopback(configuration.host) && configuration.publicHosts.isEmpty
    let hosts = AllowedHosts(publicHosts: configuration.publicHosts, allowsAny: isOpenToNames)
    let gate = Gatekeeper(store, hosts, requestsPerMinute: configuration.limits.requestsPerMinute)
    routes = Routes(
      configuration: configuration, store: store, workers: workers, registry: registry,
      check: SpecCheck(registry, programs: engine.programs, threads: engine.threads, memoryBudget: budget), engine: engine,
      status: status, idempotency: Idempotency(store), gate: gate, uploads: UploadCount(configuration.quotas),
      retention: RetentionKeeper(store, configuration.storage.retention, logger: logger))
    let check = routes.check
    scheduler = Scheduler(store, logger: logger, wake: { workers.wakeUp() }, check: { check.seeing(registry.seen(by: $0)) })
    let router = Router(routes.table.map { $0.route(gate, store) })
    server = Server(
      configuration: Self.server(configuration), logger: logger, immediate: Self.immediate(router, hosts),
      handler: Self.handler(router, hosts, logger))
    status.observe(server.metrics)
  }

  /// What `/openapi.json` says of a service without tokens.
  package var contract: JSONValue { OpenAPI(routes.table, needsTokens: false).document }

  /// What other machines reach goes over wires that others read.
  private static func requireEncryption(_ configuration: ServiceConfiguration) throws {
    guard (configuration.tls.certificate == nil) == (configuration.tls.key == nil) else {
      throw ServiceError("tls.certificate and tls.key belong together: give both, or neither")
    }
    guard configuration.tls.clientCA == nil || configuration.tls.certificate != nil else {
      throw ServiceError("tls.client_ca is of no use without tls.certificate and tls.key")
    }
    guard !AllowedHosts.isLoopback(configuration.host), configuration.tls.certificate == nil, !configuration.isBehindTLS else { return }
    throw ServiceError(
      "\(configuration.host) is reachable from other machines: give tls.certificate and tls.key, or set tls_by_proxy where a proxy "
        + "encrypts what leaves this machine, or listen on 127.0.0.1, ::1 or localhost")
  }

  /// What other machines reach asks who they are.
  private static func requireTokens(_ configuration: ServiceConfiguration, _ store: Store) throws {
    guard !AllowedHosts.isLoopback(configuration.host), !store.needsTokens else { return }
    try? store.close()
    throw ServiceError(
      "\(configuration.host) is reachable from other machines, and there is no token, so everybody could do everything: make one with "
        + "temper token create --name NAME --role admin --data \(configuration.dataDirectory.path), or listen on 127.0.0.1, ::1 or localhost"
    )
  }

  private static func server(_ configuration: ServiceConfiguration) -> ServerConfiguration {
    var server = ServerConfiguration(host: configuration.host, port: configuration.port)
    server.limits = configuration.connectionLimits
    server.timeouts = configuration.timeouts
    server.handlerThreads = configuration.handlerThreads
    server.serverName = "temper"
    if let certificate = configuration.tls.certificate, let key = configuration.tls.key {
      server.tls = TLSFiles(certificate: certificate.path, key: key.path, clientCA: configuration.tls.clientCA?.path)
    }
    server.proxies = configuration.proxies.compactMap { NetworkRange($0) }
    return server
  }

  private static func handler(_ router: Router, _ hosts: AllowedHosts, _ logger: Logger) -> Handler {
    { request in
      do {
        try hosts.check(request)
        var response = try await router(ContentCoding.decoded(request))
        response.headers[.contentOptions] = "nosniff"
        ContentCoding.vary(&response)
        ContentCoding.encode(&response, for: request)
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
      guard (try? hosts.check(request)) != nil, var response = router.immediate(ContentCoding.decoded(request)),
        !ContentCoding.needsHandler(response, for: request)
      else { return nil }
      response.headers[.contentOptions] = "nosniff"
      ContentCoding.vary(&response)
      // The tag alone: nothing is compressed here.
      if response.status.code == 304 { ContentCoding.encode(&response, for: request) }
      return response
    }
  }

  /// Goes on with what the process before this one left, and listens.
  /// - Returns: the address, with the port that the system chose where the configuration left it open.
  package func start() throws -> SocketAddress {
    try routes.workers.start()
    try housekeeper.start()
    try webhooks.start()
    try routes.retention.start()
    try scheduler.start()
    return try server.start()
  }

  /// Whether it speaks HTTPS.
  package var isSecure: Bool { configuration.tls.certificate != nil }

  /// Reads the files of TLS anew for connections to come; a fault of theirs is logged, and the ones before stay in use.
  package func reloadCertificates() {
    do {
      try server.reloadCertificates()
      logger.notice("the certificate was read anew")
    } catch {
      logger.error("the certificate cannot be read anew; the one before stays in use", metadata: ["error": "\(error)"])
    }
  }

  /// Notes with the running jobs that the service is about to end, and asks them to: what follows is no crash of theirs.
  package func announceEnd() { routes.workers.beginDrain() }

  /// Ends well: running jobs save their state and go back to the queue, requests in flight finish, and the data directory is free.
  package func drain() async {
    routes.status.drain()
    // Long polls are answered now, event streams end: their clients come back to whoever serves next.
    routes.store.endWaiting()
    scheduler.end()
    let ended = await drainWorkers()
    await server.drain(within: configuration.drainSeconds)
    housekeeper.end()
    webhooks.end()
    routes.retention.end()
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
