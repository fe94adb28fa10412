import Files
import Foundation
import GRDB
import JSON
import Robustness
import Testing
import Training

import Jobs

@Suite("Retention") struct RetentionTests {
  private static let now = Timestamp(milliseconds: 1_800_000_000_000)

  private static func ago(_ days: Double) -> Timestamp { now.advanced(bySeconds: -days * 86_400) }

  private static func job(
    _ name: String, owner: String = "a", _ labels: [String: String] = [:], days: Double, evidence: Bool = false, verdict: Bool = false,
    checkpoints: [RetentionPlan.Weights] = [], namedBy: String? = nil
  ) -> RetentionPlan.Candidate {
    RetentionPlan.Candidate(
      id: name, owner: owner, labels: labels, endedAt: ago(days), hasEvidence: evidence, hasVerdict: verdict, bytes: 10, evidenceBytes: 5,
      checkpoints: checkpoints, namedBy: namedBy)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let rules: @Sendable (inout RetentionRules) -> Void
    let jobs: [RetentionPlan.Candidate]
    /// Kind and id.
    let removed: [String]
    var keptForEvidence: Set<String> = []
    var named: Set<String> = []
  }

  static let cases = [
    Case(testDescription: "without rules everything stays", rules: { $0.evidenceDays = nil }, jobs: [job("j", days: 9_999)], removed: []),
    Case(
      testDescription: "by age, but for those of an exempt owner",
      rules: {
        $0.jobDays = 30
        $0.exemptOwners = ["b"]
      }, jobs: [job("new", days: 29), job("old", days: 31), job("theirs", owner: "b", days: 99)], removed: ["job old"]),
    Case(
      testDescription: "by number for each value of a label and each owner", rules: { $0.jobsPerLabel = ["branch": 1] },
      jobs: [
        job("a", ["branch": "main"], days: 1), job("b", ["branch": "main"], days: 2), job("c", ["branch": "side"], days: 3),
        job("d", owner: "x", ["branch": "main"], days: 4), job("e", days: 5),
      ], removed: ["job b"]),
    Case(
      testDescription: "what is named stays", rules: { $0.jobDays = 1 }, jobs: [job("named", days: 5, namedBy: "job_x names it")],
      removed: [], named: ["named"]),
    Case(
      testDescription: "a verdict's evidence stays for as long as configured, and the job with it",
      rules: {
        $0.jobDays = 1
        $0.evidenceDays = 365
      },
      jobs: [
        job("judged", days: 99, evidence: true, verdict: true), job("unjudged", days: 99, evidence: true),
        job("judged long ago", days: 366, evidence: true, verdict: true),
      ], removed: ["job unjudged", "job judged long ago"], keptForEvidence: ["judged"]),
    Case(
      testDescription: "old checkpoints go but the best, and those that are named",
      rules: {
        $0.checkpointDays = 7
        $0.evidenceDays = nil
      },
      jobs: [
        job(
          "j", days: 8,
          checkpoints: [
            .init(id: "last", role: .last, bytes: 1), .init(id: "best", role: .bestRobust, bytes: 1),
            .init(id: "base", role: .base, bytes: 1, isNamed: true), .init(id: "none", role: nil, bytes: 1),
          ]), job("new", days: 6, checkpoints: [.init(id: "later", role: .last, bytes: 1)]),
      ], removed: ["checkpoint last", "checkpoint none"]),
    Case(
      testDescription: "old evidence goes by itself", rules: { $0.evidenceDays = 10 },
      jobs: [job("j", days: 11, evidence: true, verdict: true), job("k", days: 9, evidence: true)], removed: ["evidence j"]),
  ]

  @Test("the rules take what they name and nothing else", arguments: cases)
  func rules(_ given: Case) {
    var rules = RetentionRules()
    given.rules(&rules)
    let plan = RetentionPlan(given.jobs, rules, at: Self.now)
    #expect(plan.removals.map { "\($0.kind.rawValue) \($0.id)" } == given.removed)
    #expect(plan.keptForEvidence == given.keptForEvidence && Set(plan.named.keys) == given.named)
    #expect(plan.removals.allSatisfy { $0.reason.hasSuffix(".") })
  }

  // MARK: In the store

  /// Ends a job that is queued.
  private func end(_ store: Store, _ id: String, _ state: JobState = .succeeded) throws {
    try store.move(id, to: .running)
    let file = try store.directory.files.write { try $0.append(Data("report of \(id)".utf8)) }
    try store.note(.made(.last, sha256: store.directory.files.write { try $0.append(Data("weights of \(id)".utf8)) }.sha256), of: id)
    try store.settle(id, Store.Ending(state, report: file))
  }

  private func submit(_ store: Store, _ change: (JSONValue) -> JSONValue = { $0 }) throws -> String {
    try store.submit(Specs.parsed(change(Specs.smallest))).id
  }

  @Test("nothing goes that a job, a baseline, a later job, a sweep or a schedule names, and the files of what goes are gone")
  func names() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let names = ["free", "initial", "baseline", "before", "scheduled", "resumed"]
    let ids = try names.reduce(into: [String: String]()) { ids, name in
      ids[name] = try submit(store)
      try end(store, ids[name] ?? "", name == "resumed" ? .failed : .succeeded)
    }
    func id(_ name: String) throws -> String { try #require(ids[name]) }
    func checkpoint(of name: String) throws -> JSONValue { .string(try store.checkpoint("last", of: id(name)).id) }
    let initial = try checkpoint(of: "initial")
    let baseline = try checkpoint(of: "baseline")
    let user = try submit(store) { $0.setting("/model/init", to: initial).setting("/evaluation/baseline", to: baseline) }
    let before = try id("before")
    let follower = try submit(store) { $0.setting("/after", to: .string(before)) }
    _ = try store.submitAgain(id("resumed"), key: nil) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    let accepted = try SweepCheck(SpecCheck(Registry(store)), mostJobs: 9).accept(
      ["spec": Specs.smallest, "vary": ["seed": [1]]], id: Identifier.sweep.make())
    _ = try store.submit(accepted, key: nil) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    let swept = try store.sweep(accepted.id).rows[0].job
    let spec = Specs.smallest.setting("/model/init", to: .string("\(try id("scheduled"))/last"))
    let request = try ScheduleRequest(reading: ["spec": spec, "cron": "0 0 1 1 *"])
    _ = try store.submit(request, id: Identifier.schedule.make(), key: nil) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    for job in [user, follower, swept] { try end(store, job) }

    var rules = RetentionRules()
    rules.jobDays = 0
    rules.evidenceDays = nil
    let later = Timestamp.now.advanced(bySeconds: 10 * 86_400)
    let plan = try store.retentionPlan(rules, at: later)
    #expect(Set(plan.removals.map(\.id)) == [try id("free"), user, follower])
    #expect(Set(plan.named.keys) == Set(try names.dropFirst().map(id) + [swept]))
    #expect(try store.retentionPlan(rules, owner: "nobody", at: later).removals.isEmpty)
    #expect(try store.carryOut(plan) == 3)
    #expect(throws: NotFound.self) { try store.job(user) }
    #expect(store.directory.files.all().count == 2 * 6)
    // The later ones are gone, and what they named may go now.
    let next = try store.retentionPlan(rules, at: later)
    #expect(Set(next.removals.map(\.id)) == Set(try ["initial", "baseline", "before"].map(id)))
    try store.close()
    #expect(try StoreCheck(folder.url).isWhole)
  }

  @Test("a job that is needed since the plan was made stays") func race() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let first = try submit(store)
    try end(store, first)
    var rules = RetentionRules()
    rules.jobDays = 0
    let plan = try store.retentionPlan(rules, at: Timestamp.now.advanced(bySeconds: 86_400))
    #expect(plan.removals.count == 1)
    let weights = try store.checkpoint("last", of: first).id
    _ = try submit(store) { $0.setting("/model/init", to: .string(weights)) }
    #expect(try store.carryOut(plan) == 0)
    #expect(try store.job(first).state == .succeeded)
  }

  @Test("checkpoints and evidence go by themselves, their job stays") func parts() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try submit(store)
    try store.move(id, to: .running)
    for role in [CheckpointRole.last, .bestRobust] {
      try store.note(.made(role, sha256: store.directory.files.write { try $0.append(Data(role.rawValue.utf8)) }.sha256), of: id)
    }
    let evidence = try store.directory.files.write { try $0.append(Data("evidence".utf8)) }
    try store.settle(id, Store.Ending(.succeeded, evidence: evidence, figures: ReportFigures(verdict: .pass, figures: [:])))
    var rules = RetentionRules()
    rules.checkpointDays = 1
    rules.evidenceDays = 2
    let plan = try store.retentionPlan(rules, at: Timestamp.now.advanced(bySeconds: 3 * 86_400))
    #expect(plan.removals.map(\.kind) == [.checkpoint, .evidence] && plan.bytes == 8 + 8)
    #expect(try store.carryOut(plan) == 2)
    #expect(try store.checkpoints(of: id).map(\.checkpoint.role) == [.bestRobust])
    #expect(try store.job(id).evidence == nil)
  }

  @Test("a new database gives back the pages of what went") func vacuum() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let ids = try (0..<60).map { _ in try submit(store) { $0.setting("/labels/text", to: .string(String(repeating: "x", count: 255))) } }
    for id in ids { try store.move(id, to: .cancelled) }
    var rules = RetentionRules()
    rules.jobDays = 0
    let plan = try store.retentionPlan(rules, at: Timestamp.now.advanced(bySeconds: 86_400))
    #expect(try store.carryOut(plan) == 60)
    try store.close()
    let database = folder.url.appendingPathComponent("temper.sqlite")
    func size() throws -> Int { try OpenFile(database).size }
    let before = try size()
    let again = try Store(at: folder.url)
    #expect(try again.giveBackSpace())
    while try again.giveBackSpace() {}
    try again.close()
    #expect(try size() < before * 3 / 4)
  }
}
