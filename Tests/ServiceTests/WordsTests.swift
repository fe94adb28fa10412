import Foundation
import JSON
import Testing

/// What people read when something is wrong: the thing as they wrote it, and what to do.
@Suite("Words of refusals") struct WordsTests {
  private static let unknown = "job_00000000000000000000000000"

  @Test("what is not there is named with the way to those that are, and a wrong method with the right ones") func missing() async throws {
    try await RunningService.with { service async throws in
      for (method, path, status, words) in [
        ("GET", "/v1/jobs/\(Self.unknown)", 404, "There is no job \(Self.unknown). GET /v1/jobs lists those there are."),
        ("GET", "/v1/jobs/abc/report", 404, "There is no job abc. GET /v1/jobs lists"),
        ("GET", "/v1/jobs/\(Self.unknown)/comparison/abc", 404, "There is no job \(Self.unknown)."),
        ("POST", "/v1/jobs/abc/cancel", 404, "There is no job abc."),
        ("GET", "/v1/datasets/minst", 404, "There is no data set minst. GET /v1/datasets"),
        ("DELETE", "/v1/models/abc", 404, "There is no model abc. GET /v1/models lists"),
        ("GET", "/v1/sweeps/abc", 404, "There is no sweep abc."),
        ("PUT", "/v1/jobs", 405, "PUT is not possible at /v1/jobs; possible: GET, HEAD, OPTIONS, POST."),
        ("GET", "/v1/job", 404, "There is nothing at /v1/job; /openapi.json lists what there is."),
      ] {
        let answer = try await service.curl(path, "-X", method)
        #expect(answer.status == status && answer.json["detail"]?.text?.contains(words) == true, "\(method) \(path): \(answer.text)")
      }
    }
  }

  @Test("a comma too many is called so, and the mark that some editors write before a text is passed over") func bodies() async throws {
    try await RunningService.with { service async throws in
      let comma = try await service.post("/v1/jobs", "{\n  \"dataset\": {\"id\": \"digits\"},\n}")
      #expect(
        comma.isProblem(400) && comma.json["detail"]?.text?.hasPrefix("At line 2, column 30: a comma after the last entry") == true,
        "\(comma.text)")
      #expect(try await service.post("/v1/jobs?validate_only=true", "\u{FEFF}" + Spec.quick()).status == 200)
    }
  }

  @Test("a job that failed says of its report that there will be none, by a type of its own, and why") func failedReport() async throws {
    try await RunningService.with { service async throws in
      let limited = Spec.endless().replacing("\"training\"", with: "\"resources\": {\"max_seconds\": 0.2}, \"training\"")
      let failed = try #require(try await service.post("/v1/jobs", limited).json["id"]?.text)
      _ = try await service.job(failed)
      let report = try await service.curl("/v1/jobs/\(failed)/report")
      #expect(report.isProblem(409) && report.json["type"] == "urn:temper:problem:no_report", "\(report.text)")
      #expect(report.json["detail"]?.text?.contains("max_seconds") == true && report.json["reason"]?.text != nil)
      let log = try await service.curl("/v1/jobs/\(failed)/logs")
      #expect(log.headers["content-type"]?.hasPrefix("text/plain") == true && log.text.contains("  failed: "), "\(log.text)")
    }
  }
}
