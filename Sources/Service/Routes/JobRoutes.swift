import JSON
import Files
import Datasets
import Foundation
import HTTP
import Jobs
import Robustness

extension Routes {
  func submitJob(_ call: Call) async throws -> Response {
    let validateOnly = call.query.flag("validate_only")
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    // What a spec names cannot be looked at while the storage is away, and that is no fault of the spec.
    try store.directory.requireAccess()
    let key = try idempotency.key(of: call, digest: SHA256Digest.hex(of: body.bytes))
    if validateOnly {
      let accepted = try check(call).accept(body.value)
      let warnings = try accepted.warnings.map { try JSONValue(encoding: $0) }
      return .document(["spec": accepted.spec.json, "estimate": accepted.estimateJSON, "warnings": .array(warnings)])
    }
    // Before the spec is checked: what it names may have gone since.
    if let earlier = try idempotency.replay(key) { return earlier }
    let accepted = try check(call).accept(body.value)
    try requireRoom()
    let response = try idempotency.once(key) {
      try store.submit(
        accepted.spec, owner: call.viewer.maker, peakBytes: accepted.footprint.jobBytes,
        work: accepted.estimate.floatingPointOperations, key: key, answer: Self.created)
    }
    workers.wakeUp()
    return response
  }

  private static func created(_ job: Job) -> StoredAnswer {
    Idempotency.stored(answer(JobSnapshot(job), status: .created, headers: [.location: path(of: job)]))
  }

  /// A queue without an end would promise what nobody can keep.
  ///
  /// - Parameter jobs: how many are to come.
  func requireRoom(for jobs: Int = 1) throws {
    guard !status.isDraining else {
      throw HTTPError(.draining, "The service is shutting down; submit the job again in a while.", headers: [.retryAfter: "10"])
    }
    try store.requireRoom()
    let waiting = try store.queuedCount()
    let most = configuration.limits.queuedJobs
    guard waiting + jobs <= most else {
      let detail =
        jobs == 1
        ? "\(waiting) jobs are waiting, which is as many as this service takes; submit it when some have ended."
        : "\(waiting) jobs are waiting, and with these \(jobs) there would be more than the \(most) that this service takes; submit them when some have ended."
      throw HTTPError(.quotaExceeded, detail, headers: [.retryAfter: "60"])
    }
  }

  func listJobs(_ call: Call) async throws -> Response {
    let state = call.query.optionalText("state").flatMap(JobState.init)
    var labels: [String: String] = [:]
    for item in call.request.query.items where item.name.hasPrefix("label.") {
      let key = String(item.name.dropFirst("label.".count))
      guard !key.isEmpty else { throw HTTPError.wrong(item.name, item.value, "label.KEY=VALUE with a KEY") }
      guard labels[key] == nil || labels[key] == item.value else {
        throw HTTPError.wrong(item.name, item.value, "given once; a label has one value")
      }
      labels[key] = item.value
    }
    let after = call.after
    if let after, !Identifier.job.matches(after) { throw HTTPError.unknownCursor(after) }
    let page = try store.jobs(
      for: call.viewer, state: state, labels: labels, piece: call.query.optionalText("id"), after: after, limit: call.limit)
    let queued = page.elements.map(\.job).filter { $0.state == .queued }
    let waits = queued.isEmpty ? [:] : try workers.waits(of: queued.map(\.id))
    return try .representation(Self.list(page, waits), type: "application/json", for: call.request)
  }

  /// The list of the jobs' own answers, which need not be made again.
  private static func list(_ page: Page<JobSnapshot>, _ waits: [String: JobWait]) -> [UInt8] {
    let ids = (page.elements.first?.job.id, page.elements.last?.job.id)
    var bytes = Array("{\"object\":\"list\",\"data\":[".utf8)
    for (index, snapshot) in page.elements.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      let job = body(of: snapshot, waits[snapshot.job.id])
      // Without its line break.
      bytes += job[..<(job.count - 1)]
    }
    let end: JSONValue = ["has_more": .bool(page.hasMore), "first_id": .orNull(ids.0), "last_id": .orNull(ids.1)]
    return bytes + Array("],\(end.serialised().dropFirst())\n".utf8)
  }

  func job(_ call: Call) async throws -> Response {
    let seconds = call.query.integer("wait")
    var snapshot = try store.snapshot(of: call.path("id"))
    if seconds > 0, isCurrent(snapshot.job, for: call.request) {
      snapshot = try await store.snapshot(of: snapshot.job.id, differingFrom: snapshot.job.revision, within: Double(seconds))
    }
    let wait = snapshot.job.state == .queued ? try workers.wait(of: snapshot.job.id) : nil
    return try Self.answer(snapshot, wait, for: call.request)
  }

  /// A job that is in memory, at once; nil when it is not, when the client wants to wait, and for one whose turn has to be looked up.
  func jobAtOnce(_ call: Call) throws -> Response? {
    guard call.request.query.items.isEmpty, let snapshot = store.rememberedSnapshot(of: call.path("id")),
      snapshot.job.state != .queued
    else { return nil }
    return try Self.answer(snapshot, nil, for: call.request)
  }

  /// Whether there is something to wait for: the client knows the present state (without a tag it is taken to), and it may change. Why it
  /// waits in the queue is no part of that.
  private func isCurrent(_ job: Job, for request: Request) -> Bool {
    guard !job.state.isTerminal, !status.isDraining else { return false }
    guard request.headers[.ifNoneMatch] != nil else { return true }
    let tag = Self.knownTag(of: job, in: request.headers[.ifNoneMatch])
    return Preconditions.evaluate(method: .get, headers: request.headers, current: tag) == .notModified
  }

  func cancelJob(_ call: Call) async throws -> Response { try Self.accepted(workers.cancel(call.path("id"), if: call.condition)) }
  func pauseJob(_ call: Call) async throws -> Response { try Self.accepted(workers.pause(call.path("id"), if: call.condition)) }

  /// A paused job goes on; of one that failed a new job goes on.
  func resumeJob(_ call: Call) async throws -> Response {
    let id = call.path("id")
    let key = try idempotency.key(of: call, digest: "")
    if let earlier = try idempotency.replay(key) { return earlier }
    guard try store.job(id).state == .failed else { return try Self.accepted(workers.resume(id, if: call.condition)) }
    try requireRoom()
    let response = try idempotency.once(key) {
      try store.submitAgain(id, key: key, if: call.condition, answer: Self.created)
    }
    workers.wakeUp()
    return response
  }

  /// A new job that goes on with one that has succeeded.
  func extendJob(_ call: Call) async throws -> Response {
    let id = call.path("id")
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    let key = try idempotency.key(of: call, digest: SHA256Digest.hex(of: body.bytes))
    if let earlier = try idempotency.replay(key) { return earlier }
    let request = try ExtensionRequest(reading: body.value)
    try requireRoom()
    let response = try idempotency.once(key) {
      try store.submitExtension(
        of: id, by: request, key: key, if: call.condition, accept: { try check(call).accept($0) }, answer: Self.created)
    }
    workers.wakeUp()
    return response
  }

  func deleteJob(_ call: Call) async throws -> Response {
    try store.delete(call.path("id"), if: call.condition)
    return Response(status: .noContent)
  }

  /// For the conditions of a request that changes a job.
  func jobState(_ call: Call) throws -> ResourceState {
    let job = try store.snapshot(of: call.path("id")).job
    return ResourceState(
      tag: Self.knownTag(of: job, in: call.request.headers[.ifMatch]), modified: job.transitions.last?.at ?? job.createdAt)
  }

  // MARK: The job object

  static func path(of job: Job) -> String { "/v1/jobs/\(job.id)" }

  static func tag(of job: Job) -> EntityTag { EntityTag(strong: "\(job.id).\(job.revision)") }

  static func links(of job: Job) -> JSONObject {
    let base = path(of: job)
    var links: JSONObject = ["self": .string(base)]
    let results = (job.isReported ? ["report", "gate"] : []) + (job.evidence == nil ? [] : ["evidence"])
    for part in ["events", "metrics", "checkpoints"] + results { links[part] = .string("\(base)/\(part)") }
    if let dataset = job.generated { links["dataset"] = .string("/v1/datasets/\(dataset)") }
    return links
  }

  /// Behind it a tag says why the job waits: that changes with the queue, and not with the job.
  private static let waitMark = ".w"

  /// The tag of a job as it is, whatever it waits for: the client's own where that one is of the same state of the job.
  private static func knownTag(of job: Job, in field: String?) -> EntityTag {
    let plain = "\(job.id).\(job.revision)"
    guard let start = field?.range(of: plain + waitMark)?.lowerBound, let tag = field?[start...].prefix(while: { $0 != "\"" }) else {
      return EntityTag(strong: plain)
    }
    return EntityTag(strong: String(tag))
  }

  private static func tag(of job: Job, _ wait: JobWait?) -> EntityTag {
    guard let wait else { return tag(of: job) }
    return EntityTag(strong: "\(job.id).\(job.revision)\(waitMark)\(SHA256Digest.hex(of: wait.json.bytes).prefix(12))")
  }

  private static func fields(of job: Job, _ wait: JobWait?) -> HTTPFields {
    [.eTag: tag(of: job, wait).description, .cacheControl: "no-cache"]
  }

  private static func body(of job: Job) -> [UInt8] { Array((job.text(links: links(of: job)) + "\n").utf8) }

  /// The answer that all share, and behind it why the job waits.
  private static func body(of snapshot: JobSnapshot, _ wait: JobWait?) -> [UInt8] {
    var bytes = snapshot.answer(body)
    bytes.removeLast(2)
    bytes += ",\"waiting\":\(wait?.json.serialised() ?? "null")}\n".utf8
    return bytes
  }

  /// The job as the request's conditions want it: 200, 304 or 412.
  private static func answer(_ snapshot: JobSnapshot, _ wait: JobWait?, for request: Request) throws -> Response {
    switch Preconditions.evaluate(method: request.method, headers: request.headers, current: tag(of: snapshot.job, wait)) {
    case .proceed: return answer(snapshot, wait)
    case .notModified: return Response(status: .notModified, headers: fields(of: snapshot.job, wait))
    case .failed: throw HTTPError(.preconditionFailed, "The job is not in the state that If-Match asks for.")
    }
  }

  private static func answer(
    _ snapshot: JobSnapshot, _ wait: JobWait? = nil, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    var all = fields(of: snapshot.job, wait)
    for field in headers { all[field.name] = field.value }
    return .bytes(body(of: snapshot, wait), type: "application/json", status: status, headers: all)
  }

  private static func accepted(_ job: Job) -> Response {
    answer(JobSnapshot(job), status: .accepted, headers: [.location: path(of: job)])
  }
}
