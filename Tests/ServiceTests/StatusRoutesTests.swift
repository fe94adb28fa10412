import Foundation
import Logging
import Robustness
import Service
import Testing

@Suite("Status routes")
struct StatusRoutesTests {
  @Test func `The service tells how it is, what it is and what it offers`() async throws {
    try await RunningService.with { service async throws in
      #expect(try await service.curl("/healthz").json["status"] == "ok")
      #expect(try await service.curl("/readyz").json["status"] == "ready")
      #expect(try await service.curl("/version").json["version"] == .string(TemperVersion.current))
      let architectures = try await service.curl("/v1/architectures")
      let names = architectures.json["data"]?.list.compactMap { $0["id"]?.text } ?? []
      #expect(Set(["linear", "mlp", "lenet", "madry_cnn"]).isSubset(of: names))
      #expect(try await service.curl("/v1/architectures", "-H", "If-None-Match: \(architectures.headers["etag"] ?? "")").status == 304)

      let index = try await service.curl("/").json["routes"]?.list ?? []
      let contract = try await service.curl("/openapi.json").json
      #expect(contract["openapi"] == "3.1.0")
      for route in index {
        let (method, path) = (try #require(route["method"]?.text), try #require(route["path"]?.text))
        #expect(contract["paths"]?[path]?[method.lowercased()]?["operationId"] != nil, "\(method) \(path)")
      }
    }
  }

  @Test("the contract describes every attack of an evaluation with the ranges and defaults of its fields")
  func attacksInContract() async throws {
    try await RunningService.with { service async throws in
      let contract = try await service.curl("/openapi.json").json
      let body = contract["paths"]?["/v1/jobs"]?["post"]?["requestBody"]?["content"]?["application/json"]?["schema"]
      let items = body?["properties"]?["evaluation"]?["properties"]?["attacks"]?["items"]
      #expect(items?["$ref"] == "#/components/schemas/Attack")
      let attacks = contract["components"]?["schemas"]?["Attack"]?["oneOf"]?.list ?? []
      #expect(
        attacks.compactMap { $0["title"]?.text }
          == ["fgsm", "bim", "mifgsm", "pgd", "adam", "rfgsm", "square", "fab_t", "deepfool", "cw", "noise"])
      let momentum = attacks.first { $0["title"]?.text == "mifgsm" }?["properties"]
      #expect(momentum?["name"]?["const"] == "mifgsm")
      #expect(momentum?["steps"]?["minimum"] == 1 && momentum?["steps"]?["maximum"] == 10_000 && momentum?["steps"]?["default"] == 10)
      #expect(momentum?["decay"]?["maximum"]?.double == 1 && momentum?["decay"]?["default"]?.double == 1)
      #expect(momentum?["restarts"] == nil)
      let single = attacks.first { $0["title"]?.text == "fgsm" }?["properties"]
      #expect(single?["steps"]?["enum"] == [1, nil])
      #expect(single?["step_size"]?["exclusiveMinimum"]?.double == 0)
    }
  }

  @Test func `The figures are in Prometheus' text format`() async throws {
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
    let sample = try #require(try #/([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="[^"]*"\})? (\S+)/#.wholeMatch(in: line), "\(line)")
    let name = String(sample.output.1)
    let family = ["_bucket", "_sum", "_count"].reduce(name) { name, suffix in
      let base = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      return types[base] == "histogram" ? base : name
    }
    #expect(types[family] != nil && helped.contains(family), "\(line)")
    #expect(Double(sample.output.3) != nil || sample.output.3 == "+Inf", "\(line)")
  }

  @Test func `Unknown paths, methods and parameters are answered for`() async throws {
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

  @Test func `Pages of other origins are kept out`() async throws {
    try await RunningService.with { service async throws in
      #expect(try await service.curl("/v1/jobs", "-H", "Host: evil.example").isProblem(403))
      #expect(try await service.curl("/v1/jobs", "-H", "Origin: https://evil.example").isProblem(403))
      #expect(try await service.curl("/v1/jobs", "-H", "Origin: null").isProblem(403))
      #expect(try await service.curl("/v1/jobs", "-H", "Origin: http://localhost:\(service.port)").status == 200)
      #expect(try await service.curl("/v1/jobs", "-H", "Host: localhost:1").status == 200)
    }
  }

  @Test(arguments: ["0.0.0.0", "192.168.1.4", "::", "example.org", "127.0.0.1.example.org"])
  func `It listens on no address that others can reach`(host: String) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-service-\(UUID().uuidString)")
    var configuration = ServiceConfiguration(dataDirectory: folder)
    configuration.host = host
    let error = #expect(throws: ServiceError.self) {
      try TemperService(configuration: configuration, logger: Logger(label: "temper.tests"))
    }
    #expect(error?.description.contains(host) == true)
    #expect(!FileManager.default.fileExists(atPath: folder.path))
  }

  @Test func `A running job goes on after the service was shut down`() async throws {
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
