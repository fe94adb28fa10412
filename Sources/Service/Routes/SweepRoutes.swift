import Files
import HTTP
import JSON
import Jobs
import Robustness

extension Routes {
  var sweepTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/sweeps", "submitSweep",
        "Submit a spec with a grid or a list over any of its fields: a job for each combination, all or none; with validate_only only check "
          + "and estimate them.", access: .submit, scope: .owner,
        parameters: [
          Field("validate_only", .boolean, default: false, help: "Only check the specs and estimate their work; nothing is created.")
        ],
        body: .json(SweepSpec.object),
        answers: [200: "The varied values of each job, and its estimate.", 201: "The sweep, with the ids of its jobs."], creates: true,
        handle: submitSweep),
      Endpoint(
        .get, "/v1/sweeps", "listSweeps", "The sweeps, newest first, without their specs and tables.", access: .read, scope: .owner,
        parameters: Self.paging, handle: listSweeps),
      Endpoint(
        .get, "/v1/sweeps/{id}", "getSweep",
        "A sweep: a table of its jobs with their values and results, the Pareto front of their accuracies, and the best by its rule.",
        access: .read, scope: .owner, answers: [200: "The sweep.", 304: "It is as it was."], handle: sweep),
      Endpoint(
        .delete, "/v1/sweeps/{id}", "deleteSweep", "Delete a sweep whose jobs have all ended. The jobs stay, unless jobs says otherwise.",
        access: .submit, scope: .owner,
        parameters: [Field("jobs", .boolean, default: false, help: "Delete its jobs with it, with their files.")],
        answers: [204: "It is gone."], present: sweepState, handle: deleteSweep),
      Endpoint(
        .post, "/v1/sweeps/{id}/cancel", "cancelSweep", "End all jobs of a sweep for good that have not ended.", access: .submit,
        scope: .owner, answers: [202: "The sweep, its jobs on their way."], present: sweepState, handle: cancelSweep),
    ]
  }

  private func sweepCheck(_ call: Call) -> SweepCheck {
    SweepCheck(check(call), mostJobs: min(configuration.limits.sweepJobs, configuration.limits.queuedJobs))
  }

  func submitSweep(_ call: Call) async throws -> Response {
    let validateOnly = call.query.flag("validate_only")
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    let id = Identifier.sweep.make()
    let key = try idempotency.key(of: call, digest: SHA256Digest.hex(of: body.bytes))
    if validateOnly { return .document(Self.estimate(try sweepCheck(call).accept(body.value, id: id))) }
    // Before the specs are checked: what they name may have gone since.
    if let earlier = try idempotency.replay(key) { return earlier }
    let accepted = try sweepCheck(call).accept(body.value, id: id)
    try requireRoom(for: accepted.jobs.count)
    let response = try idempotency.once(key) {
      try store.submit(accepted, owner: call.viewer.maker, key: key) { sweep in
        Idempotency.stored(.document(Self.json(sweep), status: .created, headers: [.location: Self.path(ofSweep: sweep.id)]))
      }
    }
    workers.wakeUp(for: accepted.jobs.count)
    return response
  }

  private static func estimate(_ accepted: SweepCheck.Accepted) -> JSONValue {
    let table = accepted.jobs.map { job -> JSONValue in
      ["name": .orNull(job.spec.name), "values": job.values, "estimate": job.estimate]
    }
    return ["count": .int(Int64(accepted.jobs.count)), "table": .array(table)]
  }

  func listSweeps(_ call: Call) async throws -> Response {
    let after = call.after
    if let after, !Identifier.sweep.matches(after) { throw HTTPError.unknownCursor(after) }
    let page = try store.sweeps(for: call.viewer, after: after, limit: call.limit)
    return try .resource(
      ListPage(items: page.elements.map { Self.json($0, isWhole: false) }, hasMore: page.hasMore).json, for: call.request)
  }

  func sweep(_ call: Call) async throws -> Response { try .resource(Self.json(store.sweep(call.path("id"))), for: call.request) }

  /// A sweep changes with each of its jobs, and no date says when.
  func sweepState(_ call: Call) throws -> ResourceState {
    ResourceState(tag: EntityTag(digestOf: Self.json(try store.sweep(call.path("id"))).bytes), modified: nil)
  }

  func deleteSweep(_ call: Call) async throws -> Response {
    try store.deleteSweep(call.path("id"), withJobs: call.query.flag("jobs"), if: call.condition)
    return Response(status: .noContent)
  }

  func cancelSweep(_ call: Call) async throws -> Response {
    let id = call.path("id")
    try workers.cancel(sweep: id, if: call.condition)
    return .document(Self.json(try store.sweep(id)), status: .accepted, headers: [.location: Self.path(ofSweep: id)])
  }

  // MARK: The sweep object

  private static func path(ofSweep id: String) -> String { "/v1/sweeps/\(id)" }

  private static func json(_ sweep: Sweep, isWhole: Bool = true) -> JSONValue {
    let links: JSONObject = [
      "self": .string(path(ofSweep: sweep.id)), "jobs": .string("/v1/jobs?label.\(SweepSpec.label)=\(sweep.id)"),
    ]
    return sweep.json(links: links, isWhole: isWhole)
  }
}
