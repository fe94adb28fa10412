import JSON
import Testing

@Suite("A job that makes images, by curl")
struct GenerationRoutesTests {
  private static let reports = ["report", "report.html", "report.junit.xml", "gate"]

  private func spec(of weights: String) -> String {
    """
    {"kind": "generate", "dataset": {"id": "digits", "limit": 50}, "threat": {"norm": "linf", "epsilon": 0.1},
     "model": {"architecture": "mlp", "hidden": [32], "init": "\(weights)/base"},
     "generation": {"attack": {"name": "fgsm"}, "part": "train"}}
    """
  }

  @Test("has no report and no verdict, and says where its result is") func noReport() async throws {
    try await RunningService.with { service async throws in
      let trained = try await service.submit(Spec.quick())
      _ = try await service.job(trained)
      let running = try await service.submit(Spec.endless())
      let id = try await service.submit(spec(of: trained))
      for part in Self.reports {
        let early = try await service.curl("/v1/jobs/\(id)/\(part)")
        #expect(early.isProblem(404) && early.text.contains("its result will be a data set"), "\(part): \(early.text)")
      }
      _ = try await service.curl("/v1/jobs/\(running)/cancel", "-X", "POST")
      let job = try await service.job(id)
      let dataset = try #require(job["generated_dataset"]?.text, "\(job.serialised())")
      for part in Self.reports {
        let answer = try await service.curl("/v1/jobs/\(id)/\(part)")
        #expect(answer.isProblem(404) && answer.json["type"] == "urn:temper:problem:not_found", "\(part): \(answer.text)")
        #expect(
          answer.json["detail"]?.text?.contains("/v1/datasets/\(dataset)") == true && answer.json["generated_dataset"]?.text == dataset)
      }
      #expect(try await service.curl("/v1/jobs/\(id)/evidence").status == 200)
    }
  }

  @Test("a job links to what it has: report and verdict where its kind has them, evidence once it is there") func links() async throws {
    func names(_ job: JSONValue) -> Set<String> {
      guard case .object(let links) = job["links"] else { return [] }
      return Set(links.keys)
    }
    let always: Set = ["self", "events", "metrics", "checkpoints"]
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.quick())
      #expect(names(try await service.curl("/v1/jobs/\(id)").json).isSuperset(of: ["report", "gate"]))
      let trained = try await service.job(id)
      #expect(names(trained) == always.union(["report", "gate", "evidence"]))
      let generated = try await service.job(service.submit(spec(of: id)))
      #expect(names(generated) == always.union(["evidence", "dataset"]), "\(generated.serialised())")
      let unwanted = Spec.quick().replacing(#""samples": 50"#, with: #""samples": 50, "evidence": false"#)
      let silent = try await service.submit(unwanted)
      #expect(names(try await service.job(silent)) == always.union(["report", "gate"]))
      // A list says the same, of jobs that are in memory and of those that are read from the store.
      let listed = try await service.curl("/v1/jobs").json["data"]?.list ?? []
      #expect(listed.map(names) == [always.union(["report", "gate"]), names(generated), names(trained)])
    }
  }
}
