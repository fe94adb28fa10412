import Foundation
import GRDB
import JSON
import Jobs
import Robustness
import Testing

/// Sweeps in the store, without workers.
@Suite("Stored sweeps") struct SweepStoreTests {
  private static let document: JSONValue = [
    "name": "eps", "labels": ["team": "red"], "spec": Specs.smallest, "vary": ["threat.epsilon": [0.1, 0.2], "seed": [0, 1]],
    "best": ["metric": "clean_accuracy", "min": ["robust_accuracy": 0.25]],
  ]

  private func submit(_ store: Store, _ document: JSONValue = document) throws -> Sweep {
    let check = SweepCheck(SpecCheck(Registry(store)), mostJobs: 64)
    let accepted = try check.accept(document, id: Identifier.sweep.make())
    _ = try store.submit(accepted, key: nil) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    return try store.sweep(accepted.id)
  }

  private func figures(_ clean: Double, _ robust: Double) -> ReportFigures {
    ReportFigures(
      verdict: .pass,
      figures: ["clean_accuracy": .init(value: clean, low: 0, high: 1), "robust_accuracy": .init(value: robust, low: 0, high: 1)])
  }

  private func end(_ store: Store, _ job: String, _ state: JobState = .succeeded, _ figures: ReportFigures? = nil) throws {
    try store.move(job, to: .running)
    try store.settle(job, Store.Ending(state, figures: figures))
  }

  @Test("a sweep makes its jobs at once, and shows how they stand and what they reached") func life() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let sweep = try submit(store)
    #expect(sweep.rows.map(\.state) == [.queued, .queued, .queued, .queued])
    #expect(try store.jobs(labels: ["sweep": sweep.id, "team": "red"]).elements.map(\.job.id) == sweep.rows.map(\.job).reversed())
    let reached = [(0.9, 0.5), (0.95, 0.2), (0.8, 0.6)]
    for (row, values) in zip(sweep.rows, reached) { try end(store, row.job, .succeeded, figures(values.0, values.1)) }
    try end(store, sweep.rows[3].job, .failed)
    let shown = try store.sweep(sweep.id).json()
    #expect(shown["terminal"] == true && shown["states"] == ["succeeded": 3, "failed": 1])
    #expect(shown["best"]?.string == sweep.rows[0].job)
    #expect(shown["front"] == .array([1, 0, 2].map { .string(sweep.rows[$0].job) }))
    guard case .array(let table)? = shown["table"] else { throw Damaged("table") }
    #expect(table[1]["values"] == ["threat.epsilon": 0.1, "seed": 1])
    #expect(table[1]["clean_accuracy"]?.double == 0.95 && table[1]["verdict"] == "pass")
    #expect(table[3]["state"] == "failed" && table[3]["clean_accuracy"] == .null && table[3]["certified_accuracy"] == .null)
    #expect(try JobSpec(reading: store.job(sweep.rows[2].job).spec).threat.epsilon == 0.2)
    try store.close()
  }

  @Test("the figures of a job stay when it is deleted, and a sweep goes without its jobs or with them") func deletion() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let sweep = try submit(store)
    let jobs = sweep.rows.map(\.job)
    #expect(throws: NotEnded.self) { try store.deleteSweep(sweep.id, withJobs: true) }
    for job in jobs { try end(store, job, .succeeded, figures(0.9, 0.5)) }
    try store.delete(jobs[0])
    let row = try #require(try store.sweep(sweep.id).rows.first)
    #expect(row.state == nil && row.figures == figures(0.9, 0.5))
    try store.deleteSweep(sweep.id, withJobs: false)
    #expect(throws: NotFound.self) { try store.sweep(sweep.id) }
    #expect(try store.jobs().elements.count == 3)

    let other = try submit(store)
    for row in other.rows { try end(store, row.job, .cancelled) }
    try store.deleteSweep(other.id, withJobs: true)
    #expect(try Set(store.jobs().elements.map(\.job.id)) == Set(jobs[1...]))
    try store.close()
  }

  @Test("a job that goes on in the place of a failed one takes its row") func resumed() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let sweep = try submit(store)
    try end(store, sweep.rows[1].job, .failed)
    _ = try store.submitAgain(sweep.rows[1].job, key: nil) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    let row = try store.sweep(sweep.id).rows[1]
    #expect(row.job != sweep.rows[1].job && row.state == .queued && row.values == sweep.rows[1].values)
    try store.close()
  }

  @Test("pages of sweeps follow each other, newest first") func pages() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let made = try (0..<3).map { _ in try submit(store).id }
    let first = try store.sweeps(limit: 2)
    #expect(first.elements.map(\.id) == [made[2], made[1]] && first.hasMore)
    let second = try store.sweeps(after: made[1], limit: 2)
    #expect(second.elements.map(\.id) == [made[0]] && !second.hasMore)
    try store.close()
  }

  @Test("a repair keeps sweeps, whichever page of their tables is harmed", arguments: ["sweeps", "sweep_jobs"])
  func repair(_ table: String) throws {
    let damaged = try DamagedFolder(jobs: 2)
    let store = try Store(at: damaged.url)
    let sweep = try submit(store)
    try end(store, sweep.rows[0].job, .succeeded, figures(0.9, 0.5))
    try end(store, sweep.rows[1].job, .failed)
    let before = try store.sweep(sweep.id)
    try store.close()
    let (count, root) = (try damaged.count(table), try damaged.root(of: table))
    var bytes = try Data(contentsOf: damaged.database)
    bytes[root * DamagedFolder.pageBytes] ^= 0x10
    try bytes.write(to: damaged.database)
    #expect(!(try StoreCheck(damaged.url).isWhole))
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(try repair.salvaged(table).kept == count && repair.salvaged(table).lost == 0)
    let again = try Store(at: damaged.url)
    #expect(try again.sweep(sweep.id) == before)
    try again.close()
    #expect(try StoreCheck(damaged.url).findings.filter { $0.kind == .database || $0.kind == .record }.isEmpty)
  }

  @Test("a sweep whose record cannot be understood is damaged, and the list leaves it out") func damagedRecord() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let (whole, harmed) = (try submit(store), try submit(store))
    try store.close()
    try changeDatabase(in: folder.url, "UPDATE sweeps SET vary = '{' WHERE id = ?", [harmed.id])
    let again = try Store(at: folder.url)
    #expect(throws: Damaged.self) { try again.sweep(harmed.id) }
    #expect(try again.sweeps().elements.map(\.id) == [whole.id])
    try again.close()
  }
}
