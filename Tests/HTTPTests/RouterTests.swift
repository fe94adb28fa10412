import HTTP
import Testing

struct RouterTests {
  private func router() -> Router {
    func named(_ name: String) -> Router.RouteHandler {
      { request, parameters in .text("\(name) \(request.method.rawValue) \(parameters["id"] ?? "-") \(parameters["other"] ?? "-")") }
    }
    return Router([
      .init(.get, "/", named("root")), .init(.get, "/v1/jobs", named("list")), .init(.post, "/v1/jobs", named("submit")),
      .init(.get, "/v1/jobs/{id}", named("job")), .init(.delete, "/v1/jobs/{id}", named("delete")),
      .init(.get, "/v1/jobs/special", named("special")), .init(.get, "/v1/jobs/{id}/report.html", named("html")),
      .init(.get, "/v1/jobs/{id}/checkpoints/{other}", named("checkpoint")),
    ])
  }

  private func answer(_ method: HTTPRequest.Method, _ path: String) async -> String {
    do {
      let request = Request(method: method, target: try RequestTarget(parsing: path, method: method))
      let response = try await router()(request)
      guard case .bytes(let bytes) = response.body else { return "\(response.status.code) \(response.headers[.allow] ?? "")" }
      return String(decoding: bytes, as: UTF8.self)
    } catch let error as HTTPError {
      return "\(error.status.code) \(error.headers[.allow] ?? "")"
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "a request finds its route",
    arguments: [
      (HTTPRequest.Method.get, "/", "root GET - -"), (.get, "/v1/jobs?limit=1", "list GET - -"), (.post, "/v1/jobs", "submit POST - -"),
      (.get, "/v1/jobs/job_1", "job GET job_1 -"), (.get, "/v1/jobs/a%2Fb", "job GET a/b -"), (.head, "/v1/jobs/x", "job HEAD x -"),
      (.get, "/v1/jobs/special", "special GET - -"), (.get, "/v1/jobs/x/report.html", "html GET x -"),
      (.get, "/v1/jobs/x/checkpoints/best_robust", "checkpoint GET x best_robust"),
      (.delete, "/v1/jobs/special", "delete DELETE special -"),
      (.get, "/nothing", "404 "), (.get, "/v1/jobs/", "404 "), (.get, "/v1/jobs//report.html", "404 "), (.get, "//v1/jobs", "404 "),
      (.put, "/v1/jobs", "405 GET, HEAD, OPTIONS, POST"), (.post, "/v1/jobs/x", "405 DELETE, GET, HEAD, OPTIONS"),
      (.options, "/v1/jobs", "204 GET, HEAD, OPTIONS, POST"), (.options, "/nothing", "404 "),
      (.options, "*", "204 DELETE, GET, HEAD, OPTIONS, POST"), (.init("BREW")!, "/none", "501 "), (.connect, "a:1", "501 "),
    ])
  func aRequestFindsItsRoute(_ method: HTTPRequest.Method, _ path: String, _ expected: String) async {
    #expect(await answer(method, path) == expected)
  }

  @Test("a route may answer at once, to GET and HEAD, or leave it to its handler")
  func aRouteMayAnswerAtOnce() throws {
    let router = Router([
      .init(.get, "/jobs/{id}", immediate: { _, captured in captured["id"] == "warm" ? .text("warm") : nil }) { _, _ in .text("cold") },
      .init(.head, "/own") { _, _ in .text("own") }, .init(.get, "/own", immediate: { _, _ in .text("get") }) { _, _ in .text("get") },
      .init(.post, "/jobs", immediate: { _, _ in .text("never") }) { _, _ in .text("post") },
    ])
    func answers(_ method: HTTPRequest.Method, _ path: String) throws -> Bool {
      router.immediate(Request(method: method, target: try RequestTarget(parsing: path))) != nil
    }
    #expect(try answers(.get, "/jobs/warm") && answers(.head, "/jobs/warm") && answers(.get, "/own"))
    #expect(try !answers(.get, "/jobs/cold") && !answers(.head, "/own") && !answers(.post, "/jobs") && !answers(.get, "/nothing"))
  }

  @Test("names of segments belong to their own route")
  func capturesBelongToTheirRoute() async throws {
    let router = Router([
      .init(.get, "/a/{first}/x") { _, captured in .text("\(captured["first"] ?? "-") \(captured["second"] ?? "-")") },
      .init(.get, "/a/{second}/y") { _, captured in .text("\(captured["first"] ?? "-") \(captured["second"] ?? "-")") },
      .init(.get, "/a/b/{third}") { _, captured in .text("third \(captured["third"] ?? "-")") },
    ])
    func text(_ path: String) async throws -> String {
      guard case .bytes(let bytes) = try await router(Request(method: .get, target: try RequestTarget(parsing: path))).body else {
        return ""
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    #expect(try await text("/a/1/x") == "1 -")
    #expect(try await text("/a/1/y") == "- 1")
    #expect(try await text("/a/b/x") == "third x")
  }

  @Test("the table can be listed") func theTableCanBeListed() {
    #expect(router().routes.map { "\($0.method.rawValue) \($0.pattern)" }.contains("GET /v1/jobs/{id}/checkpoints/{other}"))
    #expect(router().routes.count == 8)
  }
}
