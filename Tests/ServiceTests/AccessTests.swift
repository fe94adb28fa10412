import Foundation
import JSON
import Jobs
import Logging
import Service
import Testing

/// Who may do what: role × route × owner.
@Suite("Access") struct AccessTests {
  /// Those who ask: without a token, with one of each role and the owner ann, with one of another owner, and with one that sees all.
  private static let askers = ["nobody", "reader", "ann", "annadmin", "bob", "root"]

  /// What each asker is answered on ann's things, in the order of `askers`. 400 and 422 mean that the request was let through to its body.
  private static let table: [(method: String, path: String, statuses: [Int])] = [
    ("GET", "/healthz", [200, 200, 200, 200, 200, 200]), ("GET", "/readyz", [200, 200, 200, 200, 200, 200]),
    ("GET", "/version", [200, 200, 200, 200, 200, 200]), ("GET", "/openapi.json", [200, 200, 200, 200, 200, 200]),
    ("GET", "/schema/job.json", [200, 200, 200, 200, 200, 200]), ("GET", "/", [200, 200, 200, 200, 200, 200]),
    ("GET", "/metrics", [401, 200, 200, 200, 200, 200]), ("GET", "/v1/architectures", [401, 200, 200, 200, 200, 200]),
    ("GET", "/v1/jobs", [401, 200, 200, 200, 200, 200]), ("POST", "/v1/jobs", [401, 403, 422, 422, 422, 422]),
    ("GET", "/v1/jobs/JOB", [401, 200, 200, 200, 404, 200]), ("GET", "/v1/jobs/JOB/events", [401, 200, 200, 200, 404, 200]),
    ("GET", "/v1/jobs/JOB/metrics", [401, 200, 200, 200, 404, 200]), ("GET", "/v1/jobs/JOB/report", [401, 200, 200, 200, 404, 200]),
    ("GET", "/v1/jobs/JOB/report.html", [401, 200, 200, 200, 404, 200]), ("GET", "/v1/jobs/JOB/gate", [401, 200, 200, 200, 404, 200]),
    ("GET", "/v1/jobs/JOB/evidence", [401, 200, 200, 200, 404, 200]), ("GET", "/v1/jobs/JOB/checkpoints", [401, 200, 200, 200, 404, 200]),
    ("GET", "/v1/jobs/JOB/checkpoints/last", [401, 200, 200, 200, 404, 200]),
    ("POST", "/v1/jobs/JOB/cancel", [401, 403, 409, 409, 404, 409]), ("POST", "/v1/jobs/JOB/pause", [401, 403, 409, 409, 404, 409]),
    ("POST", "/v1/jobs/JOB/resume", [401, 403, 409, 409, 404, 409]), ("POST", "/v1/jobs/JOB/extend", [401, 403, 422, 422, 404, 422]),
    ("GET", "/v1/events", [401, 200, 200, 200, 200, 200]),
    ("GET", "/v1/sweeps", [401, 200, 200, 200, 200, 200]), ("POST", "/v1/sweeps", [401, 403, 422, 422, 422, 422]),
    ("GET", "/v1/sweeps/SWEEP", [401, 200, 200, 200, 404, 200]), ("POST", "/v1/sweeps/SWEEP/cancel", [401, 403, 409, 409, 404, 409]),
    ("GET", "/v1/datasets", [401, 200, 200, 200, 200, 200]), ("GET", "/v1/datasets/digits", [401, 200, 200, 200, 200, 200]),
    ("GET", "/v1/datasets/DATASET", [401, 200, 200, 200, 404, 200]), ("DELETE", "/v1/datasets/digits", [401, 403, 409, 409, 409, 409]),
    ("POST", "/v1/datasets?format=npz", [401, 403, 415, 415, 415, 415]), ("GET", "/v1/models", [401, 200, 200, 200, 200, 200]),
    ("POST", "/v1/models", [401, 403, 415, 415, 415, 415]), ("GET", "/v1/models/MODEL", [401, 200, 200, 200, 404, 200]),
    ("GET", "/v1/webhooks", [401, 200, 200, 200, 200, 200]), ("POST", "/v1/webhooks", [401, 403, 422, 422, 422, 422]),
    ("GET", "/v1/webhooks/WEBHOOK", [401, 200, 200, 200, 404, 200]),
    ("GET", "/v1/webhooks/WEBHOOK/deliveries", [401, 200, 200, 200, 404, 200]),
    ("POST", "/v1/webhooks/WEBHOOK/ping", [401, 403, 202, 202, 404, 202]),
    ("GET", "/v1/tokens", [401, 403, 403, 200, 403, 200]), ("POST", "/v1/tokens", [401, 403, 403, 422, 403, 422]),
    ("DELETE", "/v1/tokens/tok_00000000000000000000000000", [401, 403, 403, 404, 403, 404]),
    ("POST", "/v1/session", [401, 200, 200, 200, 200, 200]), ("DELETE", "/v1/session", [204, 204, 204, 204, 204, 204]),
    // What goes for good, in the order in which it can: bob may not, ann may.
    ("DELETE", "/v1/sweeps/SWEEP", [401, 403, 204, 404, 404, 404]), ("DELETE", "/v1/webhooks/WEBHOOK", [401, 403, 204, 404, 404, 404]),
    ("DELETE", "/v1/models/MODEL", [401, 403, 204, 404, 404, 404]),
    ("DELETE", "/v1/datasets/DATASET", [401, 403, 204, 404, 404, 404]), ("DELETE", "/v1/jobs/JOB", [401, 403, 204, 404, 404, 404]),
  ]

  @Test("every route answers each role and each owner as the table says") func matrix() async throws {
    try await RunningService.with { service async throws in
      let tokens = try await Self.tokens(service)
      let ids = try await Self.things(service, tokens["ann"] ?? "")
      for (method, pattern, statuses) in Self.table {
        let path = ids.reduce(pattern) { $0.replacing($1.key, with: $1.value) }
        for (asker, status) in zip(Self.askers, statuses) {
          let answer = try await Self.ask(service, method, path, tokens[asker])
          #expect(answer.status == status, "\(asker) \(method) \(pattern): \(answer.text.prefix(200))")
          if status == 401 { #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer") == true) }
        }
      }
    }
  }

  /// As JSON where there is a body, so that a job's events come as a list that ends.
  private static func ask(_ service: RunningService, _ method: String, _ path: String, _ token: String?) async throws -> Answer {
    let authorization = token.map { "Authorization: Bearer \($0)" } ?? "X-None: 1"
    let hasBody =
      method == "POST" && !path.contains("cancel") && !path.contains("pause") && !path.contains("resume") && !path.hasSuffix("/ping")
      && path != "/v1/session"
    let accept = path.hasSuffix("/events") ? "Accept: application/json" : "X-Any: 1"
    guard hasBody else { return try await service.curl(path, "-X", method, "-H", authorization, "-H", accept) }
    let type = path.hasPrefix("/v1/datasets") || path.hasPrefix("/v1/models") ? "text/plain" : "application/json"
    return try await service.curl(path, "-X", method, "-H", authorization, "-H", "Content-Type: \(type)", "-d", "{\"x\": 1}")
  }

  private static func tokens(_ service: RunningService) async throws -> [String: String] {
    var tokens: [String: String] = [:]
    // The first closes the service, so it is the one that makes the others.
    let all = [
      ("root", "admin", "*"), ("reader", "read", "ann"), ("ann", "submit", "ann"), ("annadmin", "admin", "ann"), ("bob", "submit", "bob"),
    ]
    for (name, role, owner) in all {
      let body = "{\"name\": \"\(name)\", \"role\": \"\(role)\", \"owner\": \"\(owner)\"}"
      let answer = try await service.post("/v1/tokens", body, "-H", "Authorization: Bearer \(tokens["root"] ?? "none")")
      tokens[name] = try #require(answer.json["token"]?.text, "\(answer.text)")
    }
    return tokens
  }

  /// A job, a sweep, a data set and weights of ann's; all of them have ended.
  private static func things(_ service: RunningService, _ token: String) async throws -> [String: String] {
    let authorization = "Authorization: Bearer \(token)"
    func end(_ id: String) async throws {
      #expect(
        try await service.eventually {
          try await service.curl("/v1/jobs/\(id)", "-H", authorization).json["terminal"] == true
        })
    }
    let gated = Spec.quick(#", "gates": [{"metric": "robust_accuracy", "min": 0.1}]"#)
    let job = try #require(try await service.post("/v1/jobs", gated, "-H", authorization).json["id"]?.text)
    let sweep = try await service.post("/v1/sweeps", "{\"spec\": \(Spec.endless()), \"vary\": {\"seed\": [1]}}", "-H", authorization).json
    let swept = try #require(sweep["id"]?.text)
    try await end(job)
    _ = try await service.curl("/v1/sweeps/\(swept)/cancel", "-X", "POST", "-H", authorization)
    try await end(sweep["jobs"]?.list.first?.text ?? "")
    let weights = try service.file([UInt8](await service.curl("/v1/jobs/\(job)/checkpoints/last", "-H", authorization).body))
    let model = try await service.curl("/v1/models", "-T", weights.path, "-X", "POST", "-H", authorization)
    let images = try service.file(ImageFiles.npz(train: 20, test: 10))
    let data = try await service.curl("/v1/datasets?format=npz", "-T", images.path, "-X", "POST", "-H", authorization)
    let hook = try await service.post("/v1/webhooks", "{\"url\": \"https://ci.example.org/\", \"on\": [\"verdict\"]}", "-H", authorization)
    return [
      "WEBHOOK": try #require(hook.json["id"]?.text, "\(hook.text)"), "JOB": job, "SWEEP": swept,
      "MODEL": try #require(model.json["id"]?.text, "\(model.text)"),
      "DATASET": try #require(data.json["id"]?.text, "\(data.text)"),
    ]
  }

  @Test("what another owner has does not exist: not in a spec, not as a cursor, not behind an idempotency key") func foreign() async throws
  {
    try await RunningService.with { service async throws in
      let tokens = try await Self.tokens(service)
      let (ann, bob) = ("Authorization: Bearer \(tokens["ann"] ?? "")", "Authorization: Bearer \(tokens["bob"] ?? "")")
      let ids = try await Self.things(service, tokens["ann"] ?? "")
      let checkpoints = try await service.curl("/v1/jobs/\(ids["JOB"] ?? "")/checkpoints", "-H", ann).json["data"]?.list ?? []
      let checkpoint = try #require(checkpoints.first?["id"]?.text)
      let initial = #""mlp", "init": "#
      let references = [
        Spec.quick().replacing("digits", with: ids["DATASET"] ?? ""),
        Spec.quick().replacing(#""mlp","#, with: "\(initial)\"\(checkpoint)\","),
        Spec.quick().replacing(#""mlp","#, with: "\(initial)\"\(ids["JOB"] ?? "")/last\","),
        Spec.quick().replacing(#""curve": []"#, with: "\"curve\": [], \"baseline\": \"\(checkpoint)\""),
      ]
      for spec in references {
        let foreign = try await service.post("/v1/jobs?validate_only=true", spec, "-H", bob)
        #expect(foreign.status == 422, "\(spec)")
        // In the words for what was never there.
        let missing = spec.replacing(checkpoint, with: "ckpt_00000000000000000000000000")
          .replacing(ids["DATASET"] ?? "", with: "ds_00000000000000000000000000").replacing(
            ids["JOB"] ?? "", with: "job_00000000000000000000000000")
        let other = try await service.post("/v1/jobs?validate_only=true", missing, "-H", bob)
        #expect(other.json["errors"]?.list.map { $0["code"] } == foreign.json["errors"]?.list.map { $0["code"] })
      }
      #expect(try await service.post("/v1/jobs?validate_only=true", references[1], "-H", ann).status == 200)
      // A cursor of ann's is as one of a job that was deleted.
      let page = try await service.curl("/v1/jobs?after=\(ids["JOB"] ?? "")", "-H", bob)
      #expect(page.status == 200 && page.json["data"]?.list.isEmpty == true)
      // The same key and the same body.
      let first = try await service.post("/v1/jobs", Spec.endless(), "-H", ann, "-H", "Idempotency-Key: one")
      let second = try await service.post("/v1/jobs", Spec.endless(), "-H", bob, "-H", "Idempotency-Key: one")
      #expect(first.status == 201 && second.status == 201 && first.json["id"] != second.json["id"])
      #expect(second.headers["idempotency-replayed"] == nil)
      #expect(try await service.curl("/v1/jobs", "-H", bob).json["data"]?.list.count == 1)
      #expect(second.json["owner"] == "bob")
    }
  }

  @Test("of a token the digest alone is stored; an expired, a revoked and a made-up one are refused, after a restart too")
  func lifetimes() async throws {
    try await RunningService.with { service async throws in
      let made = try await service.post("/v1/tokens", #"{"name": "root", "role": "admin", "owner": "*"}"#)
      let root = "Authorization: Bearer \(made.json["token"]?.text ?? "")"
      let past = try await service.post("/v1/tokens", #"{"name": "x", "role": "read", "expires_at": "2001-01-01T00:00:00Z"}"#, "-H", root)
      #expect(past.status == 422)
      let soon = Date(timeIntervalSinceNow: 2).ISO8601Format()
      let brief = try await service.post("/v1/tokens", "{\"name\": \"x\", \"role\": \"read\", \"expires_at\": \"\(soon)\"}", "-H", root)
      let expiring = "Authorization: Bearer \(brief.json["token"]?.text ?? "")"
      #expect(try await service.eventually { try await service.curl("/v1/jobs", "-H", expiring).status == 401 })
      let other = try await service.post("/v1/tokens", #"{"name": "y", "role": "read"}"#, "-H", root)
      let revoked = "Authorization: Bearer \(other.json["token"]?.text ?? "")"
      #expect(try await service.curl("/v1/jobs", "-H", revoked).status == 200)
      #expect(try await service.curl("/v1/tokens/\(other.json["id"]?.text ?? "")", "-X", "DELETE", "-H", root).status == 204)
      #expect(try await service.curl("/v1/jobs", "-H", revoked).status == 401)
      #expect(try await service.curl("/v1/jobs", "-H", "Authorization: Bearer temper_0").status == 401)
      #expect(try await service.curl("/v1/jobs", "-H", "Authorization: Basic eDp5").status == 401)
      let listed = try await service.curl("/v1/tokens", "-H", root)
      #expect(listed.status == 200 && listed.json["data"]?.list.allSatisfy { $0["token"] == nil && $0["sha256"] == nil } == true)
      let secrets = [made, brief, other].compactMap { $0.json["token"]?.text }
      #expect(secrets.count == 3)
      let files = FileManager.default.enumerator(at: service.folder.appendingPathComponent("data"), includingPropertiesForKeys: nil)
      for case let file as URL in files ?? .init() {
        guard let bytes = try? Data(contentsOf: file) else { continue }
        for secret in secrets { #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(file.lastPathComponent)") }
      }
      #expect(try await service.curl("/v1/jobs", "-H", root).headers["cache-control"] == "private, no-cache")
      // Revoking the last token opens nothing.
      #expect(try await service.curl("/v1/tokens/\(made.json["id"]?.text ?? "")", "-X", "DELETE", "-H", root).status == 204)
      #expect(try await service.curl("/v1/jobs").status == 401)
    }
  }

  @Test("a page has a cookie in place of its token, which serves GET, and changes only from a page of the service") func sessions()
    async throws
  {
    try await RunningService.with { service async throws in
      let tokens = try await Self.tokens(service)
      let begun = try await service.curl("/v1/session", "-X", "POST", "-H", "Authorization: Bearer \(tokens["ann"] ?? "")")
      let field = try #require(begun.headers["set-cookie"])
      #expect(field.contains("HttpOnly") && field.contains("SameSite=Strict") && field.contains("Path=/"))
      #expect(begun.json["owner"] == "ann" && begun.json["role"] == "submit")
      let cookie = "Cookie: other=1; \(field.prefix { $0 != ";" })"
      let own = "Origin: http://127.0.0.1:\(service.port)"
      #expect(try await service.curl("/v1/jobs", "-H", cookie).status == 200)
      #expect(try await service.post("/v1/jobs", "{}", "-H", cookie).status == 403)
      #expect(try await service.post("/v1/jobs", "{}", "-H", cookie, "-H", "Origin: http://localhost:1").status == 403)
      #expect(try await service.post("/v1/jobs", "{}", "-H", cookie, "-H", own).status == 422)
      // What a token's role does not allow its cookie does not either.
      #expect(try await service.curl("/v1/tokens", "-H", cookie).status == 403)
      #expect(try await service.curl("/v1/session", "-X", "DELETE", "-H", cookie, "-H", own).status == 204)
      #expect(try await service.curl("/v1/jobs", "-H", cookie).status == 401)
    }
  }

  @Test("an owner who asks too often is told when to come again, and others are not") func rate() async throws {
    try await RunningService.with({ $0.limits.requestsPerMinute = 20 }) { service async throws in
      let tokens = try await Self.tokens(service)
      let (ann, bob) = ("Authorization: Bearer \(tokens["ann"] ?? "")", "Authorization: Bearer \(tokens["bob"] ?? "")")
      var answers: [Answer] = []
      for _ in 0..<25 { answers.append(try await service.curl("/v1/jobs", "-H", ann)) }
      #expect(answers.prefix(20).allSatisfy { $0.status == 200 })
      let refused = try #require(answers.first { $0.status == 429 })
      #expect(refused.headers["retry-after"].flatMap { Int($0) } ?? 0 >= 1 && refused.isProblem(429))
      #expect(try await service.curl("/v1/jobs", "-H", bob).status == 200)
    }
  }

  @Test("an address that other machines reach needs a token, and TLS here or in a proxy") func offLoopback() async throws {
    func start(_ change: @escaping (inout ServiceConfiguration) -> Void, token: Bool) throws -> String? {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-open-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      if token {
        let store = try Store(DataDirectory(folder.appendingPathComponent("data")))
        _ = try store.makeToken(name: "root", owner: "*", role: .admin)
        try store.close()
      }
      var configuration = ServiceConfiguration(dataDirectory: folder.appendingPathComponent("data"))
      configuration.host = "0.0.0.0"
      configuration.engineThreads = 1
      change(&configuration)
      do { _ = try TemperService(configuration: configuration, logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() }) } catch {
        return "\(error)"
      }
      return nil
    }
    #expect(try start({ _ in }, token: true)?.contains("tls.certificate") == true)
    #expect(try start({ $0.isBehindTLS = true }, token: false)?.contains("temper token create") == true)
    #expect(try start({ $0.isBehindTLS = true }, token: true) == nil)
    #expect(try start({ $0.host = "+127.0.0.1" }, token: false)?.contains("reachable") == true)
    #expect(try start({ $0.host = "localhost." }, token: false) == nil)
  }
}
