import Foundation
import GRDB
import Logging
import Robustness
import Service
import Testing

@Suite("Status routes")
struct StatusRoutesTests {
  @Test("the service tells how it is, what it is and what it offers") func serviceTellsHow() async throws {
    try await RunningService.with { service async throws in
      #expect(try await service.curl("/healthz").json["status"] == "ok")
      #expect(try await service.curl("/readyz").json["status"] == "ready")
      #expect(try await service.curl("/version").json["version"] == .string(TemperVersion.current))
      let architectures = try await service.curl("/v1/architectures")
      let names = architectures.json["data"]?.list.compactMap { $0["id"]?.text } ?? []
      #expect(Set(["linear", "mlp", "lenet", "madry_cnn"]).isSubset(of: names))
      #expect(try await service.curl("/v1/architectures", "-H", "If-None-Match: \(architectures.headers["etag"] ?? "")").status == 304)
    }
  }

  @Test("a service that has ended has no file of its folder open") func closesItsFiles() async throws {
    func openFiles(_ name: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }.filter { $0.contains(name) }
    }
    var name = ""
    try await RunningService.with { service async throws in
      name = service.folder.lastPathComponent
      // The check of the whole database, which is made in the background, has a connection of its own.
      #expect(try await service.eventually { try await service.curl("/readyz").status == 200 })
      #expect(try !openFiles(name).isEmpty)
    }
    #expect(try openFiles(name) == [])
  }

  @Test("a service whose folders cannot be used says so, takes no job, and does again when they can")
  func foldersThatCannotBeUsed() async throws {
    try await RunningService.with { service async throws in
      let data = service.folder.appendingPathComponent("data")
      let (place, away) = (data.appendingPathComponent("jobs"), data.appendingPathComponent("lost+found.jobs"))
      try FileManager.default.moveItem(at: place, to: away)
      try Data().write(to: place)
      // What a spec names cannot be looked at now: that is no fault of the spec.
      let naming = Spec.quick().replacing(#""mlp","#, with: #""mlp", "init": "ckpt_00000000000000000000000000","#)
      let answers = [
        try await service.curl("/readyz"), try await service.post("/v1/jobs", Spec.quick()), try await service.post("/v1/jobs", naming),
        try await service.post("/v1/jobs?validate_only=true", naming),
      ]
      for answer in answers {
        #expect(answer.status == 503)
        #expect(answer.json["type"] == "urn:temper:problem:not_writable", "\(answer.text)")
      }
      try FileManager.default.removeItem(at: place)
      try FileManager.default.moveItem(at: away, to: place)
      #expect(try await service.curl("/readyz").status == 200)
      _ = try await service.submit(Spec.quick())
    }
  }

  @Test("while another process holds the lock of the database submits are refused in its words, polls are answered, and then all goes on")
  func lockedDatabase() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.quick())
      _ = try await service.job(id)
      var configuration = Configuration()
      configuration.allowsUnsafeTransactions = true
      configuration.busyMode = .timeout(10)
      let database = service.folder.appendingPathComponent("data/temper.sqlite").path
      let other = try DatabaseQueue(path: database, configuration: configuration)
      try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
      let refused = try await service.post("/v1/jobs", Spec.quick())
      #expect(refused.status == 503 && refused.headers["retry-after"] == "1")
      #expect(refused.json["type"] == "urn:temper:problem:locked" && refused.json["title"] == "The service's database is locked")
      let ready = try await service.curl("/readyz")
      #expect(ready.status == 503 && ready.json["detail"]?.text?.contains("holds the lock") == true)
      for path in ["/v1/jobs/\(id)", "/v1/jobs", "/v1/jobs/\(id)/report", "/metrics"] {
        #expect(try await service.curl(path).status == 200)
      }
      try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
      try other.close()
      #expect(try await service.curl("/readyz").status == 200)
      _ = try await service.submit(Spec.quick())
    }
  }

  @Test("the contract describes every training method with its own settings and the attacks that it takes")
  func methodsInContract() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      let schemas = contract["components"]?["schemas"]
      let names = [
        "standard", "fgsm", "nfgsm", "pgd", "free", "trades", "mart", "alp", "awp", "gradalign", "input_gradient", "ibp", "mtl_ibp",
      ]
      let methods = (schemas?["Training"]?["oneOf"]?.list ?? []).compactMap { ContractTests.resolved($0, schemas) }
      #expect(methods.compactMap { $0["title"]?.text } == names.map { "Training-\($0)" })
      #expect(methods.allSatisfy { $0["properties"]?["epochs"] != nil && $0["additionalProperties"] == false })
      // The method that stands where none is named.
      #expect(methods.filter { $0["required"] == nil }.compactMap { $0["title"]?.text } == ["Training-pgd"])
      let beta = schemas?["Settings-of-trades"]?["properties"]?["beta"]
      #expect(beta?["minimum"]?.double == 0 && beta?["maximum"]?.double == 1000 && beta?["default"]?.double == 6)
      let attacks = (schemas?["Attack-in-trades"]?["oneOf"]?.list ?? []).compactMap { ContractTests.resolved($0, schemas) }
      #expect(attacks.compactMap { $0["title"]?.text } == ["Attack-in-trades-pgd"])
      #expect(methods.first?["properties"]?["attack"]?["enum"] == [nil])
    }
  }

  @Test("the figures are in Prometheus' text format") func theFiguresAreInPrometheusText() async throws {
    try await RunningService.with { service async throws in
      _ = try await service.curl("/healthz")
      let page = try await service.curl("/metrics")
      #expect(page.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
      var types: [String: String] = [:]
      var helped: Set<String> = []
      for line in page.text.split(separator: "\n") {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        if line.hasPrefix("# HELP ") {
          #expect(helped.insert(String(words[2])).inserted, "one HELP for \(words[2])")
        } else if line.hasPrefix("# TYPE ") {
          types[String(words[2])] = String(words[3])
        } else {
          try checkSample(line, types, helped)
        }
      }
      for name in ["temper_jobs", "temper_queue_depth", "temper_examples_per_second", "temper_engine_threads"] {
        #expect(types[name] == "gauge")
      }
      #expect(page.text.contains("temper_http_requests_total{class=\"2xx\"} 1\n"))
      #expect(page.text.contains("temper_http_request_duration_seconds_bucket{le=\"+Inf\"} 1\n"))
      #expect(page.text.contains("temper_jobs{state=\"queued\"} 0\n"))
    }
  }

  private func checkSample(_ line: Substring, _ types: [String: String], _ helped: Set<String>) throws {
    let sample = try #require(
      try #/([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (\S+)/#.wholeMatch(in: line), "\(line)")
    let name = String(sample.output.1)
    let family = ["_bucket", "_sum", "_count"].reduce(name) { name, suffix in
      let base = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      return types[base] == "histogram" ? base : name
    }
    #expect(types[family] != nil && helped.contains(family), "\(line)")
    #expect(Double(sample.output.3) != nil || sample.output.3 == "+Inf", "\(line)")
  }

  @Test("unknown paths, methods and parameters are answered for") func unknownPathsMethodsAndParameters() async throws {
    try await RunningService.with { service async throws in
      #expect(try await service.curl("/v1/nothing").isProblem(404))
      let wrong = try await service.curl("/v1/jobs", "-X", "PUT")
      #expect(wrong.isProblem(405))
      #expect(wrong.headers["allow"] == "GET, HEAD, OPTIONS, POST")
      let unknown = try await service.curl("/healthz?verbose=1")
      #expect(unknown.isProblem(400))
      #expect(unknown.json["parameter"] == "verbose")
      let named = try await service.curl("/healthz", "-H", "X-Request-Id: mine-1")
      #expect(named.headers["x-request-id"] == "mine-1")
    }
  }

  @Test("pages of other origins are kept out") func pagesOfOtherOrigins() async throws {
    try await RunningService.with { service async throws in
      #expect(try await service.curl("/v1/jobs", "-H", "Host: evil.example").isProblem(421))
      #expect(try await service.curl("/v1/jobs", "-H", "Origin: https://evil.example").isProblem(403))
      #expect(try await service.curl("/v1/jobs", "-H", "Origin: null").isProblem(403))
      #expect(try await service.curl("/v1/jobs", "-H", "Origin: http://localhost:\(service.port)").status == 200)
      #expect(try await service.curl("/v1/jobs", "-H", "Host: localhost:1").status == 200)
      #expect(try await service.curl("/healthz", "-H", "Host: 127.0.0.1.evil.example").isProblem(421))
      #expect(try await service.curl("/v1/jobs", "-H", "Host: a b").isProblem(400))
      #expect(try await RawClient.send("GET /v1/jobs HTTP/1.1\r\n\r\n", port: service.port).status == 400)
    }
  }

  @Test(
    "it listens on no address that others can reach", arguments: ["0.0.0.0", "192.168.1.4", "::", "example.org", "127.0.0.1.example.org"])
  func listensOnNoAddress(host: String) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-service-\(UUID().uuidString)")
    var configuration = ServiceConfiguration(dataDirectory: folder)
    configuration.host = host
    let error = #expect(throws: ServiceError.self) {
      try TemperService(configuration: configuration, logger: Logger(label: "temper.tests"))
    }
    #expect(error?.description.contains(host) == true)
    #expect(!FileManager.default.fileExists(atPath: folder.path))
  }

  @Test("a running job goes on after the service was shut down") func runningJobGoes() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-service-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try RunningService.start(in: folder)
    let id = try await first.submit(Spec.endless())
    _ = try await first.job(id, in: ["running"])
    await first.service.drain()

    let second = try RunningService.start(in: folder)
    let job = try await second.job(id, in: ["running"])
    #expect(job["attempt"] == 2)
    await second.service.drain()
  }
}
