import Foundation
import JSON
import Robustness
import Testing

import Jobs

@Suite("Schedules") struct SchedulerTests {
  private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text + "Z")) }

  private func make(
    _ store: Store, _ cron: String, spec: JSONValue = Specs.smallest, owner: String = "local", at now: Timestamp
  ) throws -> String {
    let request = try ScheduleRequest(reading: ["name": "nightly", "spec": spec, "cron": .string(cron), "labels": ["team": "red"]])
    let id = Identifier.schedule.make(at: now)
    _ = try store.submit(request, id: id, owner: owner, key: nil, at: now) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    return id
  }

  private func scheduler(_ store: Store) -> Scheduler {
    Scheduler(store, check: { SpecCheck(Registry(store, viewer: $0)) })
  }

  /// The due minutes that a schedule made jobs of, oldest first.
  private func made(_ store: Store, _ schedule: String) throws -> [String] {
    try store.runs(of: schedule).map { String($0.dueAt.description.prefix(16)) }.reversed()
  }

  @Test("over a leap year with the clock set back and the service down, no run is doubled and none is lost") func year() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let begin = try time("2028-01-01T00:00:30")
    let lines = ["30 2 * * *", "0 12 29 2 *", "0 0 * * mon"]
    let ids = try lines.map { try make(store, $0, at: begin) }
    var clock = begin
    let down = (try time("2028-06-10T01:00:00"), try time("2028-06-13T09:00:00"))
    // Each across runs that were made.
    var setBacks: [(at: Timestamp, by: Double)] = [
      (at: try time("2028-02-29T12:05:00"), by: 14_400.0), (try time("2028-03-26T03:00:00"), 18_000),
      (try time("2028-09-01T12:00:00"), 86_400),
    ]
    var expected: [String: Set<Timestamp>] = [:]
    let scheduler = scheduler(store)
    while clock < (try time("2028-12-31T23:59:00")) {
      clock = clock.advanced(bySeconds: 9_570)
      if clock > down.0, clock < down.1 { continue }
      scheduler.tick(at: clock)
      if let next = setBacks.first, clock >= next.at {
        clock = clock.advanced(bySeconds: -next.by)
        setBacks.removeFirst()
        scheduler.tick(at: clock)
      }
    }
    for (line, id) in zip(lines, ids) {
      let cron = try CronLine(line)
      var due = cron.next(after: begin)
      while let moment = due, moment <= clock {
        expected[id, default: []].insert(moment)
        due = cron.next(after: moment)
      }
      // Of what was missed in one go the last is made.
      let missed = (expected[id] ?? []).filter { $0 > down.0 && $0 < down.1 }
      expected[id]?.subtract(missed.filter { $0 != missed.max() })
      let runs = try store.runs(of: id)
      #expect(runs.count == Set(runs.map(\.dueAt)).count && runs.allSatisfy { $0.job != nil })
      #expect(Set(runs.map(\.dueAt)) == expected[id])
    }
    #expect(try store.runs(of: ids[0]).count == 366 - 3 && made(store, ids[1]) == ["2028-02-29T12:00"])
    #expect(try store.counts().values.reduce(0, +) == ids.reduce(0) { try $0 + store.runs(of: $1).count })
  }

  @Test("a run that was missed is made once, also by a service that is started anew") func missed() throws {
    let folder = try TestFolder()
    let now = try time("2026-11-27T12:00:10")
    var store = try Store(at: folder.url)
    let id = try make(store, "0 * * * *", at: now)
    scheduler(store).tick(at: now)
    #expect(try made(store, id).isEmpty)
    try store.close()
    store = try Store(at: folder.url)
    let later = now.advanced(bySeconds: 5 * 3_600)
    for _ in 0..<3 { scheduler(store).tick(at: later) }
    #expect(try made(store, id) == ["2026-11-27T17:00"])
    let job = try #require(try store.jobs().elements.first?.job)
    #expect(job.labels == ["team": "red", "schedule": id] && job.name == "nightly" && job.owner == "local")
    let shown = try store.schedule(id).json(at: later)
    #expect(shown["next_at"] == "2026-11-27T18:00:00.000Z")
    #expect(try store.schedule(id).last.first?.job == job.id)
  }

  @Test("a spec that cannot run any more is told in the runs, and the next run is tried anew") func failing() throws {
    let folder = try TestFolder()
    let now = try time("2026-11-27T12:00:10")
    let store = try Store(at: folder.url)
    let id = try make(store, "0 * * * *", spec: Specs.smallest.setting("/dataset/id", to: .string(Identifier.dataset.make())), at: now)
    scheduler(store).tick(at: now.advanced(bySeconds: 3_600))
    let run = try #require(try store.schedule(id).last.first)
    #expect(run.job == nil && run.reason?.contains("/dataset") == true)
    scheduler(store).tick(at: now.advanced(bySeconds: 7_200))
    #expect(try made(store, id).count == 2)
    try store.deleteSchedule(id)
    scheduler(store).tick(at: now.advanced(bySeconds: 10_800))
    #expect(throws: NotFound.self) { try store.schedule(id) }
  }

  @Test("that no job can be made after a verdict is told as a turn, once") func turnsToNothing() throws {
    let folder = try TestFolder()
    let now = try time("2026-11-27T12:00:10")
    let store = try Store(at: folder.url)
    let id = try make(store, "0 * * * *", at: now)
    let wish: JSONValue = ["url": "https://ci.example.org/temper", "on": ["turn"], "labels": ["schedule": .string(id)]]
    var webhook: Webhook?
    _ = try store.makeWebhook(WebhookRequest(reading: wish), owner: "local") { made in
      webhook = made
      return StoredAnswer(status: 201, headers: [], body: Data())
    }
    scheduler(store).tick(at: now.advanced(bySeconds: 3_600))
    let job = try #require(try store.claim())
    try store.settle(job.id, Store.Ending(.succeeded, figures: ReportFigures(verdict: .pass, figures: [:])))
    // From now on its owner may have no job at all.
    var quotas = Quotas()
    quotas.usual.queuedJobs = 0
    try store.close()
    let closed = try Store(DataDirectory(folder.url), quotas: quotas)
    for hour in 2...3 { scheduler(closed).tick(at: now.advanced(bySeconds: 3_600 * Double(hour))) }
    let last = try closed.schedule(id).last
    #expect(last.map(\.hasTurned) == [false, true, false] && last[1].job == nil && last[1].verdict == nil)
    let told = try closed.deliveries(of: try #require(webhook).id).elements
    #expect(told.count == 1)
    let body = try JSONValue(parsing: try #require(told.first).body)
    #expect(body["type"] == "turn" && body["before"] == "pass" && body["schedule"] == .string(id))
    #expect(body["reason"]?.string?.contains("may have 0 jobs waiting") == true && body["job"] == nil)
  }

  @Test("what a schedule's spec names cannot be deleted before the schedule") func namedBySchedule() throws {
    let folder = try TestFolder()
    let now = try time("2026-11-27T12:00:10")
    let store = try Store(at: folder.url)
    let job = try store.submit(Specs.parsed(Specs.smallest)).id
    try store.move(job, to: .cancelled)
    let id = try make(store, "0 * * * *", spec: Specs.smallest.setting("/model/init", to: .string("\(job)/best_robust")), at: now)
    let refused = #expect(throws: InUse.self) { try store.delete(job) }
    #expect(refused?.schedules == [id] && refused?.description.contains("is named by \(id); delete the schedule first") == true)
    try store.deleteSchedule(id)
    try store.delete(job)
  }

  @Test("that a verdict has turned is known with the run, and once") func turns() throws {
    let folder = try TestFolder()
    let now = try time("2026-11-27T12:00:10")
    let store = try Store(at: folder.url)
    let id = try make(store, "0 * * * *", at: now)
    let scheduler = scheduler(store)
    let verdicts: [Verdict] = [.pass, .pass, .fail, .fail, .inconclusive]
    for (hour, verdict) in verdicts.enumerated() {
      scheduler.tick(at: now.advanced(bySeconds: Double(hour + 1) * 3_600))
      let job = try #require(try store.claim())
      try store.settle(job.id, Store.Ending(.succeeded, figures: ReportFigures(verdict: verdict, figures: [:])))
    }
    let last = try store.schedule(id).last
    #expect(last.map(\.verdict) == verdicts.reversed())
    #expect(last.map(\.hasTurned) == [true, false, true, false, false])
    let job = try #require(last.last?.job)
    try store.delete(job)
    #expect(try store.schedule(id).last.last?.verdict == .pass)
  }
}
