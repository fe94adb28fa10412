import JSON
import Foundation
import Robustness

/// The routes of jobs for the commands. Each throws `Refusal` when the answer is not a success and `LostConnection` when there is none.
struct JobClient: Sendable {
  let client: Client

  /// Submits a spec. It makes one job, even if the request has to be sent several times.
  func submit(_ spec: JSONValue) async throws -> JobView {
    let request = ClientRequest(
      method: "POST", path: "/v1/jobs", headers: ["Idempotency-Key": UUID().uuidString], body: Data(spec.serialised().utf8))
    return try JobView(await persistently(request).json)
  }

  /// Trains a job that has succeeded for further epochs, as a new job; one, even if the request has to be sent several times.
  func extend(_ id: String, by request: JSONValue) async throws -> JobView {
    let request = ClientRequest(
      method: "POST", path: path(id) + "/extend", headers: ["Idempotency-Key": UUID().uuidString], body: Data(request.serialised().utf8))
    return try JobView(await persistently(request).json)
  }

  func job(_ id: String) async throws -> JobView { try await JobView(get(path(id)).json) }

  func cancel(_ id: String) async throws -> JobView {
    let request = ClientRequest(method: "POST", path: path(id) + "/cancel")
    return try JobView(await client.send(request).json)
  }

  /// nil while the job has no report. A failed job never has one.
  func report(_ id: String) async throws -> JSONValue? {
    do {
      return try await persistently(ClientRequest(path: path(id) + "/report")).json
    } catch let refusal as Refusal where refusal.status == 404 || refusal.status == 409 {
      return nil
    }
  }

  /// The verdict with its evidence; nil while there is none, and where there is no such job.
  func gate(_ id: String) async throws -> JSONValue? {
    do {
      return try await get(path(id) + "/gate").json
    } catch let refusal as Refusal where refusal.status == 404 || refusal.status == 409 {
      return nil
    }
  }

  /// Up to `limit` jobs, newest first, over as many pages as needed.
  func jobs(state: String?, limit: Int) async throws -> (jobs: [JobView], hasMore: Bool) {
    var found: [JobView] = []
    var hasMore = true
    while hasMore && found.count < limit {
      var query = [(name: "limit", value: String(min(limit - found.count, 200)))]
      if let state { query.append(("state", state)) }
      if let last = found.last { query.append(("after", last.id)) }
      let page = try await get("/v1/jobs", query: query).json
      let jobs = try (page["data"]?.elements ?? []).map(JobView.init)
      found += jobs
      hasMore = page["has_more"] == .bool(true) && !jobs.isEmpty
    }
    return (found, hasMore)
  }

  func path(_ id: String) -> String { "/v1/jobs/\(Client.segment(id))" }

  private func get(_ path: String, query: [(name: String, value: String)] = []) async throws -> ClientAnswer {
    try await client.send(ClientRequest(path: path, query: query))
  }

  /// Sends a request again when the connection breaks or the server is busy. Only for requests that may safely arrive twice.
  func persistently(_ request: ClientRequest) async throws -> ClientAnswer {
    for attempt in 1..<4 {
      do {
        return try await client.send(request)
      } catch let refusal as Refusal where [429, 503].contains(refusal.status) {
        try await Task.sleep(for: .seconds(min(refusal.retryAfter ?? 1, 10)))
      } catch let lost as LostConnection where lost.failure.kind == .connectionLost {
        try await Task.sleep(for: .seconds(Double(attempt) * 0.5))
      }
    }
    return try await client.send(request)
  }
}
