import JSON
import Datasets
import Foundation
import Jobs
import Logging
import Robustness
import Service
import Testing

/// A service for one test, with a real store in a temporary folder, a real server on a free port and the real engine.
struct RunningService: Sendable {
  let folder: URL
  let port: Int
  let service: TemperService

  /// Runs `body` with a new service, and removes its files afterwards.
  static func with(
    _ change: (inout ServiceConfiguration) -> Void = { _ in }, _ body: (RunningService) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-service-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let running = try start(in: folder, change)
    do {
      try await body(running)
    } catch {
      await running.service.drain()
      throw error
    }
    await running.service.drain()
  }

  static func start(in folder: URL, _ change: (inout ServiceConfiguration) -> Void = { _ in }) throws -> RunningService {
    var configuration = ServiceConfiguration(dataDirectory: folder.appendingPathComponent("data"))
    configuration.port = 0
    configuration.engineThreads = 2
    configuration.drainSeconds = 5
    change(&configuration)
    var logger = Logger(label: "temper.tests")
    logger.logLevel = .critical
    let service = try TemperService(configuration: configuration, logger: logger)
    let address = try service.start()
    try FileManager.default.createDirectory(at: folder.appendingPathComponent("client"), withIntermediateDirectories: true)
    return RunningService(folder: folder, port: address.port, service: service)
  }

  func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  /// A path for a file of the client.
  func file(_ name: String = UUID().uuidString) -> URL { folder.appendingPathComponent("client/\(name)") }

  func file(_ bytes: [UInt8]) throws -> URL {
    let url = file()
    try Data(bytes).write(to: url)
    return url
  }

  /// The names in a folder of the service's data.
  func stored(_ name: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("data/\(name)").path)) ?? []).sorted()
  }

  /// The files that its store keeps, by their digests.
  var storedFiles: [String] { stored("files").flatMap { stored("files/\($0)") } }

  /// One request by `curl`.
  func curl(_ path: String, _ arguments: String...) async throws -> Answer {
    let (head, body) = (file(), file())
    let run = try await Curl.run(["-sS", "-g", "-D", head.path, "-o", body.path] + arguments + [url(path)])
    try #require(run.status == 0, "curl ended with \(run.status): \(run.errors)")
    return try Answer(head: Data(contentsOf: head), body: (try? Data(contentsOf: body)) ?? Data())
  }

  func post(_ path: String, _ document: String, _ arguments: String...) async throws -> Answer {
    let body = try file(Array(document.utf8))
    let (head, output) = (file(), file())
    let run = try await Curl.run(
      ["-sS", "-g", "-D", head.path, "-o", output.path, "-H", "Content-Type: application/json", "--data-binary", "@\(body.path)"]
        + arguments
        + [url(path)])
    try #require(run.status == 0, "curl ended with \(run.status): \(run.errors)")
    return try Answer(head: Data(contentsOf: head), body: (try? Data(contentsOf: output)) ?? Data())
  }

  /// Submits a job and gives its id.
  func submit(_ spec: String) async throws -> String {
    let answer = try await post("/v1/jobs", spec)
    try #require(answer.status == 201, "\(answer.text)")
    return try #require(answer.json["id"]?.text)
  }

  /// The job once it is in one of `states`, by waiting for changes.
  func job(_ id: String, in states: Set<String> = ["succeeded", "failed", "cancelled"]) async throws -> JSONValue {
    let end = ContinuousClock.now + .seconds(60)
    var tag = "\"\""
    while ContinuousClock.now < end {
      let answer = try await curl("/v1/jobs/\(id)?wait=5", "-H", "If-None-Match: \(tag)")
      if answer.status == 304 { continue }
      try #require(answer.status == 200, "\(answer.text)")
      if states.contains(answer.json["state"]?.text ?? "") { return answer.json }
      tag = try #require(answer.headers["etag"])
    }
    throw TookTooLong()
  }

  /// Waits until a condition holds. Returns whether it did within 30 seconds.
  func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    // Far longer than it takes: other tests may have all processors for a while.
    let end = ContinuousClock.now + .seconds(120)
    while ContinuousClock.now < end {
      if try await condition() { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  struct TookTooLong: Error {}
}

/// Specs of short jobs.
enum Spec {
  /// Two epochs of a small network on 200 digits.
  static func quick(_ more: String = "") -> String {
    """
    {"name": "quick", "dataset": {"id": "digits", "limit": 200}, "model": {"architecture": "mlp", "hidden": [32]},
     "threat": {"norm": "linf", "epsilon": 0.1},
     "training": {"base_epochs": 1, "epochs": 1, "batch_size": 64, "attack": {"name": "pgd", "steps": 2}},
     "evaluation": {"attacks": [{"name": "fgsm"}, {"name": "pgd", "steps": 3}], "samples": 50, "curve": []}\(more)}
    """
  }

  /// A job that ends only when it is cancelled. At this learning rate the weights hardly change, so neither divergence nor overfitting
  /// ends it.
  static func endless(_ dataset: String = "digits") -> String {
    """
    {"dataset": {"id": "\(dataset)"}, "model": {"architecture": "mlp", "hidden": [32]}, "threat": {"norm": "linf", "epsilon": 0.1},
     "training": {"base_epochs": 0, "epochs": 50000, "attack": {"name": "pgd", "steps": 2},
      "optimizer": {"name": "sgd", "learning_rate": 1e-9, "weight_decay": 0}}}
    """
  }
}

extension JSONValue {
  var text: String? { string }

  var list: [JSONValue] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }
}
