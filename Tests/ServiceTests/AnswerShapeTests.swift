import Foundation
import JSON
import Testing

/// The answers of the service held against what the contract says of them.
@Suite("Answers and the contract") struct AnswerShapeTests {
  @Test("every answer of a whole flow has the members of the contract and no others, also what was never asked for")
  func wholeFlow() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      var seen: Set<String> = []
      func check(_ path: String, _ operation: String, _ method: String, _ answer: Answer) {
        let content = contract["paths"]?[path]?[method]?["responses"]?[String(answer.status)]?["content"]?["application/json"]
        #expect(contract["paths"]?[path]?[method]?["operationId"]?.text == operation)
        guard let schema = content?["schema"], schema != ["type": "object"] else {
          Issue.record("\(operation) has no schema for \(answer.status)")
          return
        }
        let faults = AnswerShape(schemas: contract["components"]?["schemas"] ?? .null).faults(answer.json, schema)
        #expect(faults.isEmpty, "\(operation): \(faults.prefix(5))")
        seen.insert("\(operation) \(answer.status)")
      }
      let json = ["-H", "Accept: application/json"]
      check("/v1/jobs", "submitJob", "post", try await service.post("/v1/jobs?validate_only=true", Spec.quick()))
      let submitted = try await service.post("/v1/jobs", Spec.quick(#", "gates": [{"metric": "robust_accuracy", "min": 0.1}]"#))
      check("/v1/jobs", "submitJob", "post", submitted)
      let id = try #require(submitted.json["id"]?.text)
      _ = try await service.job(id)
      check("/v1/jobs/{id}", "getJob", "get", try await service.curl("/v1/jobs/\(id)"))
      check("/v1/jobs", "listJobs", "get", try await service.curl("/v1/jobs"))
      check("/v1/jobs/{id}/events", "getEvents", "get", try await service.curl("/v1/jobs/\(id)/events", json[0], json[1]))
      check("/v1/events", "getAllEvents", "get", try await service.curl("/v1/events", json[0], json[1]))
      check("/v1/jobs/{id}/metrics", "getMetrics", "get", try await service.curl("/v1/jobs/\(id)/metrics"))
      check("/v1/jobs/{id}/gate", "getGate", "get", try await service.curl("/v1/jobs/\(id)/gate"))
      check(
        "/v1/jobs/{id}/comparison/{other}", "getComparison", "get", try await service.curl("/v1/jobs/\(id)/comparison/\(id)"))
      check("/v1/leaderboard", "getLeaderboard", "get", try await service.curl("/v1/leaderboard?norm=linf"))
      check("/v1/jobs/{id}/report", "getReport", "get", try await service.curl("/v1/jobs/\(id)/report"))
      check("/v1/jobs/{id}/checkpoints", "listCheckpoints", "get", try await service.curl("/v1/jobs/\(id)/checkpoints"))
      let weights = try service.file([UInt8](await service.curl("/v1/jobs/\(id)/checkpoints/last").body))
      check(
        "/v1/models", "uploadModel", "post",
        try await service.curl(
          "/v1/models?name=w", "--data-binary", "@\(weights.path)", "-H",
          "Content-Type: application/octet-stream"))
      check("/v1/models", "listModels", "get", try await service.curl("/v1/models"))
      let model = try await service.curl("/v1/models").json["first_id"]?.text ?? ""
      check("/v1/models/{id}", "getModel", "get", try await service.curl("/v1/models/\(model)"))
      check("/v1/datasets", "listDatasets", "get", try await service.curl("/v1/datasets"))
      check("/v1/datasets/{id}", "getDataset", "get", try await service.curl("/v1/datasets/digits"))
      check("/v1/architectures", "listArchitectures", "get", try await service.curl("/v1/architectures"))
      let sweep = "{\"spec\": \(Spec.endless()), \"vary\": {\"seed\": [1, 2]}}"
      check("/v1/sweeps", "submitSweep", "post", try await service.post("/v1/sweeps?validate_only=true", sweep))
      let made = try await service.post("/v1/sweeps", sweep)
      check("/v1/sweeps", "submitSweep", "post", made)
      let sweeping = made.json["id"]?.text ?? ""
      check("/v1/sweeps", "listSweeps", "get", try await service.curl("/v1/sweeps"))
      check("/v1/sweeps/{id}", "getSweep", "get", try await service.curl("/v1/sweeps/\(sweeping)"))
      let second = made.json["jobs"]?.list.last?.text ?? ""
      check("/v1/jobs/{id}/pause", "pauseJob", "post", try await service.curl("/v1/jobs/\(second)/pause", "-X", "POST"))
      check("/v1/jobs/{id}/resume", "resumeJob", "post", try await service.curl("/v1/jobs/\(second)/resume", "-X", "POST"))
      check("/v1/sweeps/{id}/cancel", "cancelSweep", "post", try await service.curl("/v1/sweeps/\(sweeping)/cancel", "-X", "POST"))
      let extended = try await service.post("/v1/jobs/\(id)/extend", #"{"epochs": 1}"#)
      check("/v1/jobs/{id}/extend", "extendJob", "post", extended)
      let other = extended.json["id"]?.text ?? ""
      check("/v1/jobs/{id}/cancel", "cancelJob", "post", try await service.curl("/v1/jobs/\(other)/cancel", "-X", "POST"))
      for (path, operation) in [("/healthz", "getHealth"), ("/readyz", "getReadiness"), ("/version", "getVersion")] {
        check(path, operation, "get", try await service.curl(path))
      }
      #expect(seen.count == 30, "\(seen.sorted())")
    }
  }

  @Test("every JSON answer of the contract is described with its members") func described() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      #expect(contract["x-temper-ambiguous"] == nil, "names with two meanings")
      guard case .object(let paths)? = contract["paths"] else { return }
      // A schema and the contract itself describe themselves.
      let others: Set = ["/openapi.json", "/schema/job.json"]
      for (path, item) in paths.members where !others.contains(path) {
        guard case .object(let methods) = item else { continue }
        for (method, operation) in methods.members {
          guard case .object(let answers)? = operation["responses"] else { continue }
          for (status, answer) in answers.members {
            guard let schema = answer["content"]?["application/json"]?["schema"] else { continue }
            #expect(schema["$ref"] != nil, "\(method) \(path) \(status)")
          }
        }
      }
    }
  }

  @Test("the examples of the contract run as they stand") func examples() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      func example(_ path: String) -> String {
        contract["paths"]?[path]?["post"]?["requestBody"]?["content"]?["application/json"]?["example"]?.serialised() ?? ""
      }
      let job = try await service.post("/v1/jobs", example("/v1/jobs"))
      #expect(job.status == 201, "\(job.text)")
      #expect(try await service.post("/v1/sweeps?validate_only=true", example("/v1/sweeps")).status == 200)
      let id = job.json["id"]?.text ?? ""
      #expect(try await service.job(id)["state"]?.text == "succeeded")
      #expect(try await service.post("/v1/jobs/\(id)/extend", example("/v1/jobs/{id}/extend")).status == 201)
    }
  }
}
