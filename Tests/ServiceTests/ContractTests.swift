import Foundation
import JSON
import Service
import Testing

/// The served contract held against the contract's own page, and against what the service does.
@Suite("The contract") struct ContractTests {
  /// Every route, who may use it, and whether it looks at an owner: written down by hand, as the public contract has it.
  static let routes: [String: (access: String, scope: String)] = [
    "GET /": ("anyone", "service"), "GET /healthz": ("anyone", "service"), "GET /readyz": ("anyone", "service"),
    "GET /version": ("anyone", "service"), "GET /openapi.json": ("anyone", "service"), "GET /schema/job.json": ("anyone", "service"),
    "GET /client/temper_load.py": ("anyone", "service"), "GET /metrics": ("read", "service"),
    "POST /v1/tokens": ("admin", "service"), "GET /v1/tokens": ("admin", "service"), "DELETE /v1/tokens/{id}": ("admin", "service"),
    "POST /v1/backup": ("admin", "service"), "GET /v1/pause": ("admin", "service"),
    "POST /v1/pause": ("admin", "service"), "POST /v1/retention": ("admin", "service"),
    "POST /v1/resume": ("admin", "service"),
    "GET /v1/quota": ("read", "owner"), "POST /v1/schedules": ("submit", "owner"), "GET /v1/schedules": ("read", "owner"),
    "GET /v1/schedules/{id}": ("read", "owner"), "DELETE /v1/schedules/{id}": ("submit", "owner"),
    "POST /v1/session": ("read", "service"), "DELETE /v1/session": ("anyone", "service"), "GET /v1/architectures": ("read", "service"),
    "POST /v1/jobs": ("submit", "owner"), "GET /v1/jobs": ("read", "owner"), "GET /v1/jobs/{id}": ("read", "owner"),
    "DELETE /v1/jobs/{id}": ("submit", "owner"), "POST /v1/jobs/{id}/cancel": ("submit", "owner"),
    "POST /v1/jobs/{id}/pause": ("submit", "owner"), "POST /v1/jobs/{id}/resume": ("submit", "owner"),
    "POST /v1/jobs/{id}/extend": ("submit", "owner"),
    "GET /v1/events": ("read", "owner"), "GET /v1/jobs/{id}/events": ("read", "owner"), "GET /v1/jobs/{id}/metrics": ("read", "owner"),
    "GET /v1/jobs/{id}/report": ("read", "owner"), "GET /v1/jobs/{id}/report.html": ("read", "owner"),
    "GET /v1/jobs/{id}/report.md": ("read", "owner"), "GET /v1/jobs/{id}/report.csv": ("read", "owner"),
    "GET /v1/jobs/{id}/report.junit.xml": ("read", "owner"), "GET /v1/jobs/{id}/report.sarif": ("read", "owner"),
    "GET /v1/jobs/{id}/report/curve.svg": ("read", "owner"), "GET /v1/jobs/{id}/report/history.svg": ("read", "owner"),
    "GET /v1/jobs/{id}/report/confusion.svg": ("read", "owner"), "GET /v1/jobs/{id}/report/examples.png": ("read", "owner"),
    "GET /v1/datasets/{id}/samples.png": ("read", "owner"),
    "GET /v1/jobs/{id}/gate": ("read", "owner"), "GET /v1/jobs/{id}/logs": ("read", "owner"),
    "GET /v1/jobs/{id}/comparison/{other}": ("read", "owner"), "GET /v1/leaderboard": ("read", "owner"),
    "GET /v1/jobs/{id}/evidence": ("read", "owner"), "GET /v1/jobs/{id}/checkpoints": ("read", "owner"),
    "GET /v1/jobs/{id}/checkpoints/{checkpoint}": ("read", "owner"),
    "POST /v1/sweeps": ("submit", "owner"), "GET /v1/sweeps": ("read", "owner"), "GET /v1/sweeps/{id}": ("read", "owner"),
    "DELETE /v1/sweeps/{id}": ("submit", "owner"), "POST /v1/sweeps/{id}/cancel": ("submit", "owner"),
    "POST /v1/webhooks": ("submit", "owner"), "GET /v1/webhooks": ("read", "owner"), "GET /v1/webhooks/{id}": ("read", "owner"),
    "DELETE /v1/webhooks/{id}": ("submit", "owner"), "POST /v1/webhooks/{id}/ping": ("submit", "owner"),
    "GET /v1/webhooks/{id}/deliveries": ("read", "owner"),
    "POST /v1/datasets": ("submit", "owner"), "GET /v1/datasets": ("read", "owner"), "GET /v1/datasets/{id}": ("read", "owner"),
    "DELETE /v1/datasets/{id}": ("submit", "owner"), "POST /v1/models": ("submit", "owner"), "GET /v1/models": ("read", "owner"),
    "GET /v1/models/{id}": ("read", "owner"), "GET /v1/models/{id}/weights": ("read", "owner"),
    "DELETE /v1/models/{id}": ("submit", "owner"),
  ].merging(DashboardFile.parts.map { ("GET /dashboard/\($0.name)", ("anyone", "service")) }) { first, _ in first }

  private struct Operation {
    let method: String
    let path: String
    let document: JSONValue
    var name: String { "\(method) \(path)" }
    var query: [JSONValue] { (document["parameters"]?.list ?? []).filter { $0["in"] == "query" } }
  }

  private func operations(_ service: RunningService) async throws -> [Operation] {
    guard case .object(let paths)? = try await service.curl("/openapi.json").json["paths"] else { return [] }
    return paths.members.flatMap { path, item -> [Operation] in
      guard case .object(let methods) = item else { return [] }
      return methods.members.map { Operation(method: $0.key.uppercased(), path: path, document: $0.value) }
    }
  }

  @Test("every route says who may use it, and only the public ones are open") func access() async throws {
    try await RunningService.with { service async throws in
      let operations = try await operations(service)
      #expect(Set(operations.map(\.name)) == Set(Self.routes.keys))
      for operation in operations {
        let expected = Self.routes[operation.name]
        #expect(operation.document["x-temper-access"]?.text == expected?.access, "\(operation.name)")
        #expect(operation.document["x-temper-scope"]?.text == expected?.scope, "\(operation.name)")
      }
      let index = try await service.curl("/", "-H", "Accept: application/json").json["routes"]?.list ?? []
      #expect(Set(index.map { "\($0["method"]?.text ?? "") \($0["path"]?.text ?? "")" }) == Set(Self.routes.keys))
    }
  }

  @Test("each operation of the contract is there, answers in one of its forms, and refuses what its parameters exclude")
  func behaviour() async throws {
    try await RunningService.with { service async throws in
      for operation in try await operations(service) where operation.method != "POST" {
        let path = operation.path.replacing(/\{[a-z]+\}/, with: "none")
        // A stream would go on.
        let accept = path == "/v1/events" ? "Accept: application/json" : "Accept: */*"
        let answer = try await service.curl(path, "-X", operation.method, "-H", accept)
        let isMissing = operation.path.contains("{")
        let good = operation.method == "DELETE" ? 204 : 200
        #expect(isMissing ? answer.isProblem(404) : answer.status == good, "\(operation.name): \(answer.status)")
        #expect(answer.json["detail"]?.text?.hasPrefix("There is nothing at") != true, "\(operation.name)")
        if case .object(let types)? = operation.document["responses"]?["200"]?["content"], !isMissing {
          #expect(types.keys.contains { answer.headers["content-type"]?.hasPrefix($0) == true }, "\(operation.name)")
        }
        for parameter in operation.query { try await refuses(parameter, of: operation.method, at: path, service) }
      }
    }
  }

  /// A value just beyond what the contract says is refused, the default is taken.
  private func refuses(_ parameter: JSONValue, of method: String, at path: String, _ service: RunningService) async throws {
    let (name, schema) = (parameter["name"]?.text ?? "", parameter["schema"] ?? .null)
    var wrong: [String] = schema["enum"] == nil ? [] : ["nonsense"]
    wrong += schema["minimum"]?.integer.map { [String($0 - 1)] } ?? []
    wrong += schema["maximum"]?.integer.map { [String($0 + 1)] } ?? []
    for value in wrong {
      let answer = try await service.curl("\(path)?\(name)=\(value)", "-X", method)
      #expect(answer.isProblem(400) && answer.json["parameter"]?.text == name, "\(path)?\(name)=\(value): \(answer.text)")
    }
    guard let usual = schema["default"] else { return }
    let accept = path == "/v1/events" ? "Accept: application/json" : "Accept: */*"
    let answer = try await service.curl("\(path)?\(name)=\(usual.string ?? usual.serialised())", "-X", method, "-H", accept)
    #expect(answer.status != 400, "\(path)?\(name)")
  }

  @Test("every reference of the contract leads to a definition") func references() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      let references = Self.references(contract)
      #expect(references.contains("#/components/schemas/JobSpec") && references.contains("#/components/schemas/Layer"))
      for reference in references {
        let found = reference.split(separator: "/").dropFirst().reduce(contract as JSONValue?) { $0?[String($1)] }
        #expect(found != nil, "\(reference)")
      }
    }
  }

  private static func references(_ value: JSONValue) -> Set<String> {
    switch value {
    case .object(let object):
      object.members.reduce(into: []) { $0.formUnion($1.key == "$ref" ? [$1.value.text ?? ""] : references($1.value)) }
    case .array(let elements): elements.reduce(into: []) { $0.formUnion(references($1)) }
    default: []
    }
  }

  @Test("the contract describes every attack of an evaluation with the ranges and defaults of its fields") func attacks() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      let body = contract["paths"]?["/v1/jobs"]?["post"]?["requestBody"]?["content"]?["application/json"]?["schema"]
      #expect(body == ["$ref": "#/components/schemas/JobSpec"])
      let schemas = contract["components"]?["schemas"]
      #expect(schemas?["Evaluation"]?["properties"]?["attacks"]?["items"] == ["$ref": "#/components/schemas/Attack"])
      let attacks = (schemas?["Attack"]?["oneOf"]?.list ?? []).compactMap { Self.resolved($0, schemas) }
      #expect(
        attacks.compactMap { $0["title"]?.text?.dropFirst("Attack-".count) } == [
          "fgsm", "bim", "mifgsm", "pgd", "apgd_ce", "apgd_dlr", "apgd_t", "adam", "rfgsm", "square", "fab_t", "deepfool", "cw", "noise",
          "autoattack",
        ])
      let momentum = attacks.first { $0["title"]?.text == "Attack-mifgsm" }?["properties"]
      #expect(momentum?["name"]?["enum"] == ["mifgsm"])
      #expect(momentum?["steps"]?["minimum"] == 1 && momentum?["steps"]?["maximum"] == 10_000 && momentum?["steps"]?["default"] == 10)
      #expect(momentum?["decay"]?["maximum"]?.double == 1 && momentum?["decay"]?["default"]?.double == 1)
      #expect(momentum?["step_size"]?["type"] == ["number", "string", "null"] && momentum?["step_size"]?["pattern"] != nil)
      #expect(momentum?["restarts"] == nil)
      let single = attacks.first { $0["title"]?.text == "Attack-fgsm" }?["properties"]
      #expect(single?["steps"]?["enum"] == [1, nil])
      #expect(single?["step_size"]?["exclusiveMinimum"]?.double == 0)
    }
  }

  /// The definition that a reference leads to.
  static func resolved(_ reference: JSONValue, _ schemas: JSONValue?) -> JSONValue? {
    reference["$ref"]?.text?.split(separator: "/").last.flatMap { schemas?[String($0)] }
  }

  @Test("the schema of a spec is served, with its tag") func schema() async throws {
    try await RunningService.with { service async throws in
      let answer = try await service.curl("/schema/job.json")
      #expect(answer.headers["content-type"] == "application/schema+json")
      #expect(answer.json["$schema"] == "https://json-schema.org/draft/2020-12/schema")
      #expect(answer.json["required"]?.list == ["dataset", "model", "threat"])
      #expect(try await service.curl("/schema/job.json", "-H", "If-None-Match: \(answer.headers["etag"] ?? "")").status == 304)
    }
  }
}
