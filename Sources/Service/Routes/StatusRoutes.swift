import JSON
import Datasets
import Files
import Foundation
import HTTP
import Jobs
import Models
import Robustness
import TensorEngine
import Training

extension Routes {
  /// The dashboard for browsers and whoever has no wish, the routes for those who ask for JSON.
  func index(_ call: Call) throws -> Response {
    guard try call.request.negotiate("text/html", "application/json") == "application/json" else {
      return try page(.index, call)
    }
    let bytes = documents.bytes("/") { indexDocument }
    return try .representation(bytes, type: "application/json", for: call.request)
  }

  private var indexDocument: JSONValue {
    let rows = table.map { endpoint -> JSONValue in
      ["method": .string(endpoint.method.rawValue), "path": .string(endpoint.path), "summary": .string(endpoint.summary)]
    }
    return [
      "service": "temper", "version": .string(TemperVersion.current), "contract": "/openapi.json", "routes": .array(rows),
    ]
  }

  func alive(_ call: Call) throws -> Response { .document(["status": "ok"], headers: [.cacheControl: "no-store"]) }

  /// Ready is a service that takes jobs: it is not shutting down, and a change can be stored.
  func ready(_ call: Call) async throws -> Response {
    guard !status.isDraining else {
      throw HTTPError(.draining, "The service finishes what it has begun and takes nothing new.", headers: [.retryAfter: "10"])
    }
    do {
      try store.requireWritable()
    } catch let error as StorageError {
      let why =
        error.isFull
        ? "The disk is full up to its reserve."
        : error.isLock ? "Another process holds the lock of the database." : "The data directory cannot be written."
      throw HTTPError(.notWritable, "\(why) Running jobs wait; they go on by themselves.", headers: [.retryAfter: "10"])
    } catch is DamagedStore {
      throw HTTPError(.notWritable, "The database is damaged: stop the service and run temper fsck.", headers: [.retryAfter: "60"])
    }
    return .document(["status": "ready"], headers: [.cacheControl: "no-store"])
  }

  func version(_ call: Call) throws -> Response {
    let bytes = documents.bytes("/version") {
      [
        "name": "temper", "version": .string(TemperVersion.current), "platform": .string(Self.platform),
        "engine": .string(EngineVersion.description), "engine_threads": .int(Int64(engine.threads)),
        "workers": .int(Int64(configuration.workers)),
      ]
    }
    return try .representation(bytes, type: "application/json", for: call.request)
  }

  private static var platform: String {
    #if arch(x86_64)
      "linux-x86_64"
    #elseif arch(arm64)
      "linux-arm64"
    #else
      "linux"
    #endif
  }

  func contract(_ call: Call) throws -> Response {
    let bytes = documents.bytes("/openapi.json \(gate.needsTokens)") { OpenAPI(table, needsTokens: gate.needsTokens).document }
    return try .representation(bytes, type: "application/json", for: call.request)
  }

  /// The JSON Schema of a spec, for editors.
  func specSchema(_ call: Call) throws -> Response {
    let bytes = documents.bytes("/schema/job.json") { JobSpec.schema }
    let type = try call.request.negotiate("application/schema+json", "application/json")
    return try .representation(bytes, type: type, for: call.request)
  }

  static var architectureNames: [String] { Preset.all.map(\.name) }

  func architectures(_ call: Call) async throws -> Response {
    let presets = Preset.all.map { preset -> JSONValue in
      let parameters = preset.parameters.map { parameter -> JSONValue in
        [
          "name": .string(parameter.name), "description": .string(parameter.help), "must_be": .string(parameter.type.requirement),
          "default": parameter.default ?? .null,
        ]
      }
      return [
        "id": .string(preset.name), "object": "architecture", "description": .string(preset.description), "source": .string(preset.source),
        "parameters": .array(parameters),
      ]
    }
    if let after = call.after, !Self.architectureNames.contains(after) { throw HTTPError.unknownCursor(after) }
    return try .resource(ListPage(of: presets, after: call.after, limit: call.limit).json, for: call.request)
  }

  func figures(_ call: Call) async throws -> Response {
    let page = ServiceFigures(
      status: status, counts: try store.counts(), rate: try examplesPerSecond(), engineThreads: engine.threads, store: store.load,
      importsWaiting: imports.waiting, freeBytes: store.directory.space.freeBytes)
    return .text(page.text, type: PrometheusText.mediaType, headers: [.cacheControl: "no-store"])
  }

  /// Of all running jobs together.
  private func examplesPerSecond() throws -> Double {
    try store.jobs(state: .running, limit: ListPage.limits.upperBound).elements.reduce(0) { $0 + ($1.job.progress.examplesPerSecond ?? 0) }
  }
}
