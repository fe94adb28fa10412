import Files
import HTTP
import JSON
import Jobs

extension Routes {
  var scheduleTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/schedules", "createSchedule", "Make a job of a spec again and again, by a cron line in UTC.", access: .submit,
        scope: .owner, body: .json(ScheduleRequest.object), answers: [201: "The schedule."], creates: true, handle: createSchedule),
      Endpoint(
        .get, "/v1/schedules", "listSchedules", "The schedules, newest first.", access: .read, scope: .owner, parameters: Self.paging,
        handle: listSchedules),
      Endpoint(
        .get, "/v1/schedules/{id}", "getSchedule", "A schedule: when its next job is due, and its last runs with their verdicts.",
        access: .read, scope: .owner, answers: [200: "The schedule.", 304: "It is as it was."], handle: schedule),
      Endpoint(
        .delete, "/v1/schedules/{id}", "deleteSchedule", "Delete a schedule; its jobs stay.", access: .submit, scope: .owner,
        answers: [204: "It is gone."], present: scheduleState, handle: deleteSchedule),
    ]
  }

  func createSchedule(_ call: Call) async throws -> Response {
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    let key = try idempotency.key(of: call, digest: SHA256Digest.hex(of: body.bytes))
    // Before the spec is checked: what it names may have gone since.
    if let earlier = try idempotency.replay(key) { return earlier }
    let (request, id) = (try ScheduleRequest(reading: body.value), Identifier.schedule.make())
    do { _ = try check(call).accept(request.document(id: id)) } catch {
      throw SpecFaults(error.faults.map { FieldFault("/spec\($0.pointer)", $0.code, $0.detail) })
    }
    try store.requireRoom()
    return try idempotency.once(key) {
      try store.submit(request, id: id, owner: call.viewer.maker, key: key) { schedule in
        Idempotency.stored(.document(Self.json(schedule), status: .created, headers: [.location: Self.path(ofSchedule: schedule.id)]))
      }
    }
  }

  func listSchedules(_ call: Call) async throws -> Response {
    let page = try store.schedules(for: call.viewer, after: call.after(.schedule), limit: call.limit)
    return try .resource(ListPage(items: page.elements.map { Self.json($0) }, hasMore: page.hasMore).json, for: call.request)
  }

  func schedule(_ call: Call) async throws -> Response { try .resource(Self.json(store.schedule(call.path("id"))), for: call.request) }

  /// It changes with each of its jobs, and no date says when.
  func scheduleState(_ call: Call) throws -> ResourceState {
    ResourceState(tag: EntityTag(digestOf: Self.json(try store.schedule(call.path("id"))).bytes), modified: nil)
  }

  func deleteSchedule(_ call: Call) async throws -> Response {
    try store.deleteSchedule(call.path("id"), if: call.condition)
    return Response(status: .noContent)
  }

  // MARK: The schedule object

  private static func path(ofSchedule id: String) -> String { "/v1/schedules/\(id)" }

  private static func json(_ schedule: JobSchedule) -> JSONValue {
    schedule.json(links: [
      "self": .string(path(ofSchedule: schedule.id)), "jobs": .string("/v1/jobs?label.\(ScheduleRequest.label)=\(schedule.id)"),
    ])
  }
}
