import Files
import Foundation
import Testing

@Suite("The evidence of a job, by curl")
struct EvidenceRoutesTests {
  @Test("there is none before a job has succeeded, and where its spec wants none, and the answer says why") func none() async throws {
    try await RunningService.with { service async throws in
      let running = try #require(try await service.post("/v1/jobs", Spec.endless()).json["id"]?.text)
      let early = try await service.curl("/v1/jobs/\(running)/evidence")
      #expect(early.isProblem(404))
      #expect(early.json["detail"]?.text?.hasSuffix("has no evidence: it comes when the job has succeeded.") == true, "\(early.text)")
      _ = try await service.curl("/v1/jobs/\(running)/cancel", "-X", "POST")
      _ = try await service.job(running)
      let late = try await service.curl("/v1/jobs/\(running)/evidence")
      #expect(late.isProblem(404) && late.json["state"] == "cancelled" && late.text.contains("it will never have any"))

      let spec = Spec.quick().replacing(#""samples": 50"#, with: #""samples": 50, "evidence": false"#)
      let unwanted = try #require(try await service.post("/v1/jobs", spec).json["id"]?.text)
      #expect(try await service.job(unwanted)["state"] == "succeeded")
      let answer = try await service.curl("/v1/jobs/\(unwanted)/evidence")
      #expect(answer.isProblem(404) && answer.text.contains("evaluation.evidence is false"))
      #expect(try await service.curl("/v1/jobs/job_00000000000000000000000000/evidence").isProblem(404))
    }
  }

  @Test("one that is damaged is gone, and comes back with its file; with its job it is deleted") func damaged() async throws {
    try await RunningService.with { service async throws in
      let id = try #require(try await service.post("/v1/jobs", Spec.quick()).json["id"]?.text)
      #expect(try await service.job(id)["state"] == "succeeded")
      let whole = try await service.curl("/v1/jobs/\(id)/evidence")
      let sha = SHA256Digest.hex(of: whole.body)
      #expect(service.storedFiles.contains(sha))
      let file = service.folder.appendingPathComponent("data/files/\(sha.prefix(2))/\(sha)")
      var bytes = whole.body
      bytes[700] ^= 1
      try bytes.write(to: file)
      let damaged = try await service.curl("/v1/jobs/\(id)/evidence")
      #expect(damaged.isProblem(410) && damaged.json["sha256"]?.text == sha, "\(damaged.text)")
      #expect(try await service.curl("/v1/jobs/\(id)/report").status == 200)
      try whole.body.write(to: file)
      #expect(try await service.curl("/v1/jobs/\(id)/evidence").body == whole.body)
      #expect(try await service.curl("/v1/jobs/\(id)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/jobs/\(id)/evidence").isProblem(404))
      #expect(service.storedFiles.isEmpty)
    }
  }
}
