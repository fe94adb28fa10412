import Files
import HTTP
import JSON
import Jobs

/// What the operator of a service does with all of it.
extension Routes {
  var housekeepingTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/backup", "backUp",
        "A consistent copy of everything, of one moment, as a tar archive: its first entry, backup.json, names each file with its digest; "
          + "temper restore makes a data folder of it. Files that the body names are left out.", access: .admin, scope: .service,
        body: .jsonOrNothing(BackupRequest.object),
        answers: [200: "The archive. It has no length before it is whole: one that lacks its end was cut off."],
        types: ["application/x-tar"], handle: backUp),
      Endpoint(
        .get, "/v1/quota", "getQuota", "What an owner uses and may use.", access: .read, scope: .owner,
        parameters: [Field("owner", .text(1...100), help: "Whose; by default one's own. Another's only for those who see everything.")],
        handle: quota),
      Endpoint(
        .post, "/v1/retention", "retain",
        "What the rules of retention take of jobs that have ended, and why; with dry_run that is all, else it goes, in the background.",
        access: .admin, scope: .service,
        parameters: [
          Field("dry_run", .boolean, default: false, help: "Only say what would go."),
          Field("owner", .text(1...100), help: "Only this owner's things."),
        ], answers: [200: "What would go.", 202: "What goes."], handle: retain),
      Endpoint(
        .get, "/v1/pause", "getServiceState", "Whether the service is paused.", access: .admin, scope: .service,
        answers: [200: "How the service stands."], handle: { _ in try state() }),
      Endpoint(
        .post, "/v1/pause", "pauseService", "Pause the whole service, also over a restart: no job begins until it is resumed.",
        access: .admin, scope: .service,
        parameters: [
          Field(
            "running", .choice(Store.Pause.self), default: "stop",
            help: "What becomes of running jobs: they save their state and go back to the queue, or go on to their ends.")
        ], answers: [200: "How the service stands."], handle: pauseService),
      Endpoint(
        .post, "/v1/resume", "resumeService", "Let jobs begin again.", access: .admin, scope: .service,
        answers: [200: "How the service stands."], handle: resumeService),
    ]
  }

  // MARK: Quotas

  func quota(_ call: Call) async throws -> Response {
    let owner = call.query.optionalText("owner") ?? call.viewer.maker
    guard call.viewer.sees(owner) else { throw NotFound(owner) }
    let (use, limits) = (try store.quotaUse(of: owner), configuration.quotas.limits(of: owner))
    func row(_ used: Int, _ allowed: Int?) -> JSONValue { ["used": .int(Int64(used)), "allowed": .orNull(allowed)] }
    let document: JSONValue = [
      "object": "quota", "owner": .string(owner), "queued_jobs": row(use.queuedJobs, limits.queuedJobs),
      "running_jobs": row(use.runningJobs, limits.runningJobs), "stored_bytes": row(use.storedBytes, limits.storedBytes),
      "uploads": row(uploads.count(of: owner), limits.uploads),
    ]
    return try .resource(document, for: call.request)
  }

  // MARK: Retention

  func retain(_ call: Call) async throws -> Response {
    let (isDryRun, owner) = (call.query.flag("dry_run"), call.query.optionalText("owner"))
    let rules = configuration.storage.retention
    let plan = try store.retentionPlan(rules, owner: owner)
    if !isDryRun, !plan.removals.isEmpty { retention.retain(owner: owner) }
    return .document(plan.json(rules, isDryRun: isDryRun), status: isDryRun ? .ok : .accepted)
  }

  // MARK: Pausing

  func pauseService(_ call: Call) async throws -> Response {
    try workers.pauseAll(call.query.word("running"))
    return try state()
  }

  func resumeService(_ call: Call) async throws -> Response {
    try workers.resumeAll()
    return try state()
  }

  private func state() throws -> Response {
    let (pause, counts) = (try store.pause(), try store.counts())
    return .document([
      "object": "service", "paused": .bool(pause != nil), "running_jobs": .orNull(pause?.rawValue),
      "queued": .int(Int64(counts[.queued] ?? 0)),
      "running": .int(Int64([.running, .pausing, .cancelling].reduce(0) { $0 + (counts[$1] ?? 0) })),
    ])
  }

  // MARK: Backups

  /// Digests of a hundred thousand files are some megabytes.
  private static let mostRequestBytes = 128 << 20

  func backUp(_ call: Call) async throws -> Response {
    let body = try await JSONBody(orNothing: call, limit: Self.mostRequestBytes)
    let known = try BackupRequest(reading: body.value).known
    try store.directory.requireAccess()
    let snapshot = try store.backup(without: known)
    let name = "temper-\(snapshot.manifest.createdAt.prefix(19).replacing(":", with: "")).tar"
    var response = Response(
      headers: [.cacheControl: "no-store", .contentDisposition: "attachment; filename=\"\(name)\""],
      body: .stream { writer in
        defer { snapshot.end() }
        try await snapshot.write { try await writer.write($0) }
      })
    response.headers[.contentType] = "application/x-tar"
    return response
  }
}
