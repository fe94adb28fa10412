import Datasets
import HTTP
import JSON
import Jobs
import Logging
import Synchronization
import TensorEngine

/// What the handlers work with. Each group of routes is an extension in a file of its own.
struct Routes: Sendable {
  let configuration: ServiceConfiguration
  let store: Store
  let workers: Workers
  let registry: Registry
  let check: SpecCheck
  let engine: Engine
  let status: ServiceStatus
  let idempotency: Idempotency
  let gate: Gatekeeper
  let imports = ImportGate(places: 2)
  let uploads: UploadCount
  let retention: RetentionKeeper
  /// Documents that are the same as long as the process lives, made when they are first asked for.
  let documents = FixedDocuments()
}

extension Routes {
  /// The data sets and weights that the caller sees.
  func registry(_ call: Call) -> Registry { registry.seen(by: call.viewer) }
  /// The check of a spec that names only what the caller sees.
  func check(_ call: Call) -> SpecCheck { check.seeing(registry(call)) }
}

/// Bytes of answers that never change, by their path.
final class FixedDocuments: Sendable {
  private let known = Mutex<[String: [UInt8]]>([:])

  func bytes(_ path: String, _ make: () -> JSONValue) -> [UInt8] {
    if let bytes = known.withLock({ $0[path] }) { return bytes }
    let bytes = make().bytes
    known.withLock { $0[path] = bytes }
    return bytes
  }
}

/// What changes while the service runs: for readiness and for the figures.
final class ServiceStatus: Sendable {
  private let draining = Atomic<Bool>(false)
  private let server = Mutex(ServerMetrics())
  let startedAt = Timestamp.now

  var isDraining: Bool { draining.load(ordering: .relaxed) }
  var http: ServerMetrics.Snapshot { server.withLock { $0 }.snapshot() }

  func drain() { draining.store(true, ordering: .relaxed) }
  /// The figures belong to the server, which is made after its routes.
  func observe(_ metrics: ServerMetrics) { server.withLock { $0 = metrics } }
}
