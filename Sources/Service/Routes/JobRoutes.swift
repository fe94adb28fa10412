import JSON
import Files
import Datasets
import Foundation
import HTTP
import Jobs
import Robustness

extension Routes {
  func submitJob(_ call: Call) async throws -> Response {
    let validateOnly = try call.flag("validate_only")
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    if validateOnly {
      let accepted = try check.accept(body.value)
      return .document(["spec": accepted.spec.json, "estimate": accepted.estimateJSON])
    }
    let key = try idempotency.key(of: call, digest: SHA256Digest.hex(of: body.bytes))
    // Before the spec is checked: what it names may have gone since.
    if let key, let earlier = try idempotency.replay(key) { return earlier }
    let accepted = try check.accept(body.value)
    try requireRoom()
    let response = try submit(accepted, key)
    workers.wakeUp()
    return response
  }

  private func submit(_ accepted: SpecCheck.Accepted, _ key: IdempotencyKey?) throws -> Response {
    let bytes = accepted.footprint.jobBytes
    guard let key else { return Self.created(try store.submit(accepted.spec, peakBytes: bytes)) }
    guard
      let (answer, isReplay) = try store.submit(accepted.spec, peakBytes: bytes, key: key, answer: { Idempotency.stored(Self.created($0)) })
    else {
      throw Idempotency.mismatch
    }
    return Idempotency.response(answer, isReplay: isReplay)
  }

  private static func created(_ job: Job) -> Response { answer(job, status: .created, headers: [.location: path(of: job)]) }

  /// A queue without an end would promise what nobody can keep.
  private func requireRoom() throws {
    guard !status.isDraining else {
      throw HTTPError(.draining, "The service is shutting down; submit the job again in a while.", headers: [.retryAfter: "10"])
    }
    let waiting = try store.counts()[.queued] ?? 0
    guard waiting < configuration.limits.queuedJobs else {
      throw HTTPError(
        .quotaExceeded, "\(waiting) jobs are waiting, which is as many as this service takes; submit it when some have ended.",
        headers: [.retryAfter: "60"])
    }
  }

  func listJobs(_ call: Call) async throws -> Response {
    let state = try call.choice("state", of: JobState.self)
    var labels: [String: String] = [:]
    for item in call.request.query.items where item.name.hasPrefix("label.") {
      let key = String(item.name.dropFirst("label.".count))
      guard !key.isEmpty else { throw call.wrong(item.name, item.value, "label.KEY=VALUE with a KEY") }
      guard labels[key] == nil || labels[key] == item.value else {
        throw call.wrong(item.name, item.value, "given once; a label has one value")
      }
      labels[key] = item.value
    }
    let after = call.text("after")
    if let after, !Identifier.job.matches(after) { throw HTTPError.unknownCursor(after) }
    let page = try store.jobs(state: state, labels: labels, after: after, limit: try call.limit())
    let items = page.elements.map { $0.json(links: Self.links(of: $0)) }
    return try .resource(ListPage(items: items, hasMore: page.hasMore).json, for: call.request)
  }

  func job(_ call: Call) async throws -> Response {
    let seconds = try call.integer("wait", in: 0...60) ?? 0
    var job = try store.job(call.path("id"))
    if seconds > 0, isCurrent(job, for: call.request) { job = try await change(of: job, within: Double(seconds)) }
    switch Preconditions.evaluate(method: call.request.method, headers: call.request.headers, current: Self.tag(of: job)) {
    case .proceed: return Self.answer(job)
    case .notModified: return Response(status: .notModified, headers: Self.fields(of: job))
    case .failed: throw HTTPError(.preconditionFailed, "The job is not in the state that If-Match asks for.")
    }
  }

  /// Whether there is something to wait for: the client knows the present state (without a tag it is taken to), and it may change.
  private func isCurrent(_ job: Job, for request: Request) -> Bool {
    guard !job.state.isTerminal else { return false }
    guard request.headers[.ifNoneMatch] != nil else { return true }
    return Preconditions.evaluate(method: .get, headers: request.headers, current: Self.tag(of: job)) == .notModified
  }

  /// Waits without a thread, in slices, so that a shutdown is not held up.
  private func change(of job: Job, within seconds: Double) async throws -> Job {
    let end = ContinuousClock.now + .seconds(seconds)
    var latest = job
    while latest.revision == job.revision, !status.isDraining, !Task.isCancelled {
      let left = ContinuousClock.now.duration(to: end) / .seconds(1)
      guard left > 0 else { break }
      latest = try await store.job(job.id, differingFrom: job.revision, within: min(left, 0.5))
    }
    return latest
  }

  func cancelJob(_ call: Call) async throws -> Response { try Self.accepted(workers.cancel(call.path("id"))) }
  func pauseJob(_ call: Call) async throws -> Response { try Self.accepted(workers.pause(call.path("id"))) }
  func resumeJob(_ call: Call) async throws -> Response { try Self.accepted(workers.resume(call.path("id"))) }

  func deleteJob(_ call: Call) async throws -> Response {
    try store.delete(call.path("id"))
    return Response(status: .noContent)
  }

  // MARK: The job object

  static func path(of job: Job) -> String { "/v1/jobs/\(job.id)" }

  static func tag(of job: Job) -> EntityTag { EntityTag(strong: "\(job.id).\(job.revision)") }

  static func links(of job: Job) -> JSONObject {
    let base = path(of: job)
    var links: JSONObject = ["self": .string(base)]
    for part in ["events", "metrics", "report", "gate", "checkpoints"] { links[part] = .string("\(base)/\(part)") }
    return links
  }

  private static func fields(of job: Job) -> HTTPFields { [.eTag: tag(of: job).description, .cacheControl: "no-cache"] }

  private static func answer(_ job: Job, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
    var all = fields(of: job)
    for field in headers { all[field.name] = field.value }
    return .document(job.json(links: links(of: job)), status: status, headers: all)
  }

  private static func accepted(_ job: Job) -> Response { answer(job, status: .accepted, headers: [.location: path(of: job)]) }
}
