import JSON
import Datasets
import Foundation
import HTTP
import Jobs
import Models
import Robustness
import TensorEngine

extension Routes {
  func index(_ call: Call) async throws -> Response {
    let rows = table.map { endpoint -> JSONValue in
      ["method": .string(endpoint.method.rawValue), "path": .string(endpoint.path), "summary": .string(endpoint.summary)]
    }
    let document: JSONValue = [
      "service": "temper", "version": .string(TemperVersion.current), "contract": "/openapi.json", "routes": .array(rows),
    ]
    return try .resource(document, for: call.request)
  }

  func alive(_ call: Call) async throws -> Response { .document(["status": "ok"], headers: [.cacheControl: "no-store"]) }

  /// Ready is a service that takes jobs: its database answers and it is not shutting down.
  func ready(_ call: Call) async throws -> Response {
    guard !status.isDraining else {
      throw HTTPError(.draining, "The service finishes what it has begun and takes nothing new.", headers: [.retryAfter: "10"])
    }
    _ = try store.counts()
    return .document(["status": "ready"], headers: [.cacheControl: "no-store"])
  }

  func version(_ call: Call) async throws -> Response {
    let document: JSONValue = [
      "name": "temper", "version": .string(TemperVersion.current), "platform": .string(Self.platform),
      "engine_threads": .int(Int64(engine.threads)), "workers": .int(Int64(configuration.workers)),
    ]
    return try .resource(document, for: call.request)
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

  func contract(_ call: Call) async throws -> Response { try .resource(OpenAPI(table).document, for: call.request) }

  func architectures(_ call: Call) async throws -> Response {
    let presets = Preset.all.map { preset -> JSONValue in
      let parameters = preset.parameters.map { parameter -> JSONValue in
        [
          "name": .string(parameter.name), "description": .string(parameter.description), "must_be": .string(parameter.kind.requirement),
          "default": Self.json(parameter.default),
        ]
      }
      return [
        "id": .string(preset.name), "object": "architecture", "description": .string(preset.description), "source": .string(preset.source),
        "parameters": .array(parameters),
      ]
    }
    return try .resource(ListPage(of: presets, after: call.text("after"), limit: try call.limit()).json, for: call.request)
  }

  private static func json(_ value: PresetValue) -> JSONValue {
    switch value {
    case .integer(let number): .int(Int64(number))
    case .integers(let numbers): .array(numbers.map { .int(Int64($0)) })
    case .number(let value): .number(value)
    case .choice(let word): .string(word)
    }
  }

  func figures(_ call: Call) async throws -> Response {
    let page = ServiceFigures(status: status, counts: try store.counts(), rate: try examplesPerSecond(), engineThreads: engine.threads)
    return .text(page.text, type: PrometheusText.mediaType, headers: [.cacheControl: "no-store"])
  }

  /// Of all running jobs together.
  private func examplesPerSecond() throws -> Double {
    try store.jobs(state: .running, limit: ListPage.limits.upperBound).elements.reduce(0) { $0 + ($1.progress.examplesPerSecond ?? 0) }
  }
}
