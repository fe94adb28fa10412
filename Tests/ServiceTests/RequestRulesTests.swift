import Foundation
import JSON
import Service
import Testing

/// What HTTP asks of every route: conditions, forms, types of bodies, hosts.
@Suite("Rules of requests") struct RequestRulesTests {
  @Test("a change that is meant for another state of a thing is refused with 412, by tag and by date") func conditions() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.endless())
      let path = "/v1/jobs/\(id)"
      for change in [("POST", "\(path)/cancel"), ("POST", "\(path)/pause"), ("POST", "\(path)/resume"), ("DELETE", path)] {
        func ask(_ field: String) async throws -> Int { try await service.curl(change.1, "-X", change.0, "-H", field).status }
        #expect(try await ask(#"If-Match: "other""#) == 412, "\(change)")
        #expect(try await ask("If-None-Match: *") == 412, "\(change)")
        #expect(try await ask("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT") == 412, "\(change)")
      }
      #expect(try await service.curl(path).json["state"]?.text != "cancelled")
      _ = try await service.curl("\(path)/cancel", "-X", "POST", "-H", "If-Match: *")
      _ = try await service.job(id)
      let tag = try #require(try await service.curl(path).headers["etag"])
      #expect(try await service.curl(path, "-X", "DELETE", "-H", "If-Match: \"x\", \(tag)").status == 204)
      // What is not there has no state.
      #expect(try await service.curl(path, "-X", "DELETE", "-H", "If-Match: *").status == 404)
      #expect(try await service.curl("/v1/datasets/digits", "-X", "DELETE", "-H", "If-Match: \"x\"").status == 412)
    }
  }

  @Test("of two changes at once that both ask for the state that was seen, one is made and the other is refused with 412")
  func race() async throws {
    try await RunningService.with { service async throws in
      _ = try await service.curl("/v1/pause", "-X", "POST")
      for _ in 0..<8 {
        let path = "/v1/jobs/\(try await service.submit(Spec.quick()))"
        let tag = try #require(try await service.curl(path).headers["etag"])
        // Both are right for a queued job, in either order, unless the tag is looked at.
        async let pause = service.curl("\(path)/pause", "-X", "POST", "-H", "If-Match: \(tag)").status
        async let cancel = service.curl("\(path)/cancel", "-X", "POST", "-H", "If-Match: \(tag)").status
        #expect(try await Set([pause, cancel]) == [202, 412])
      }
    }
  }

  @Test("every route answers 406 to a client that takes none of its forms, before it does anything") func accept() async throws {
    try await RunningService.with { service async throws in
      for path in [
        "/healthz", "/version", "/metrics", "/v1/jobs", "/v1/datasets", "/openapi.json", "/schema/job.json", "/v1/architectures",
      ] {
        #expect(try await service.curl(path, "-H", "Accept: image/png").isProblem(406), "\(path)")
        #expect(try await service.curl(path, "-H", "Accept: image/png, */*;q=0.1").status == 200, "\(path)")
      }
      #expect(try await service.post("/v1/jobs", Spec.endless(), "-H", "Accept: text/html").isProblem(406))
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
      #expect(try await service.curl("/v1/jobs", "-H", "Accept: application/json;q=0").isProblem(406))
      let schema = try await service.curl("/schema/job.json", "-H", "Accept: application/json")
      #expect(schema.status == 200 && schema.headers["content-type"] == "application/json")
    }
  }

  @Test("a body of the wrong type is told which header or option of curl is right") func types() async throws {
    try await RunningService.with { service async throws in
      let plain = try await service.curl("/v1/jobs", "-d", Spec.quick())
      #expect(plain.isProblem(415) && plain.json["detail"]?.text?.contains("-H 'Content-Type: application/json'") == true)
      let file = try service.file(ImageFiles.npz(train: 20, test: 10))
      // curl -T names no type, which may be taken for bytes.
      #expect(try await service.curl("/v1/datasets?format=npz", "-X", "POST", "-T", file.path).status == 201)
      let form = try await service.curl("/v1/datasets?format=npz", "-d", "@\(file.path)")
      #expect(form.isProblem(415) && form.json["detail"]?.text?.contains("--data-binary") == true)
      let stripped = try await service.curl(
        "/v1/datasets?format=npz", "-H", "Content-Type: application/octet-stream", "-d", "@\(file.path)")
      #expect(stripped.isProblem(422) && stripped.json["detail"]?.text?.contains("--data-binary") == true, "\(stripped.text)")
      let models = try await service.curl("/v1/models", "-H", "Content-Type: application/octet-stream", "-d", "abc")
      #expect(models.isProblem(422) && models.json["detail"]?.text?.contains("--data-binary") == true)
      let coded = try await service.curl("/v1/jobs", "-H", "Content-Type: application/json", "-H", "Content-Encoding: br", "-d", "{}")
      #expect(coded.isProblem(415) && coded.headers["accept-encoding"] == "gzip, identity")
    }
  }

  @Test(
    "this machine's names and the configured public hosts are taken, all others are 421, also in the target",
    arguments: [
      ("localhost", 200), ("LOCALHOST.", 200), ("localhost.:1", 200), ("127.9.9.9", 200), ("[::1]:7", 200), ("[0:0::1]", 200),
      ("temper.example.org", 200), ("Temper.Example.org:443", 200), ("temper.example.org.", 200), ("other.example.org", 421),
      ("127.0.0.1.nip.io", 421), ("+127.0.0.1", 421), ("127.0.0.01", 421), ("0x7f.0.0.1", 421), ("evil.temper.example.org", 421),
    ])
  func hosts(host: String, status: Int) async throws {
    try await RunningService.with({ $0.publicHosts = ["temper.example.org"] }) { service async throws in
      #expect(try await service.curl("/healthz", "-H", "Host: \(host)").status == status)
      #expect(try await service.curl("/v1/jobs", "-H", "Host: \(host)").status == status)
      #expect(try await service.curl("/", "--request-target", "http://\(host)/v1/jobs", "-H", "Host: 127.0.0.1").status == status)
      #expect(try await service.curl("/", "--request-target", "http://127.0.0.1/v1/jobs", "-H", "Host: \(host)").status == 200)
    }
  }

  @Test("a page of a public host may use the service, one of another may not") func origins() async throws {
    try await RunningService.with({ $0.publicHosts = ["temper.example.org"] }) { service async throws in
      for (origin, status) in [
        ("https://temper.example.org", 200), ("http://localhost:3000", 200), ("https://evil.example.org", 403), ("null", 403),
        ("https://temper.example.org.evil.net", 403), ("file://localhost", 403),
      ] {
        #expect(try await service.curl("/v1/jobs", "-H", "Origin: \(origin)").status == status, "\(origin)")
      }
    }
  }

  @Test("problems of every origin have nosniff and end with a line break") func problems() async throws {
    try await RunningService.with { service async throws in
      for path in ["/nothing", "/v1/jobs/none", "/v1/jobs?x=1", "/v1/jobs/none%"] {
        let answer = try await service.curl(path)
        #expect(answer.headers["x-content-type-options"] == "nosniff" && answer.text.hasSuffix("}\n"), "\(path)")
      }
      #expect(try await service.curl("/v1/jobs/%00").json["detail"]?.text?.contains("%00") == true)
      let query = try await service.curl("/v1/jobs", "-X", "QUERY")
      #expect(query.isProblem(405) && query.headers["allow"] == "GET, HEAD, OPTIONS, POST")
    }
  }
}
