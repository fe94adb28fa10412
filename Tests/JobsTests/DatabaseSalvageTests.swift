import Files
import Foundation
import GRDB
import JSON
import Jobs
import Testing

@Suite("The repair of a damaged database") struct DatabaseSalvageTests {
  @Test("one bad page of jobs costs the jobs on it and no other, and the check says how many")
  func oneLeaf() throws {
    let damaged = try DamagedFolder(jobs: 60)
    let leaves = try damaged.leavesOfJobs()
    let lost = try damaged.spoil([leaves[leaves.count / 2]])
    let before = try Data(contentsOf: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(try repair.salvaged("jobs").description == "jobs: \(60 - lost) kept, \(lost) lost")
    #expect(repair.open.contains { $0.kind == .lost && $0.id == "jobs" })
    let name = try #require(damaged.lost.first { $0.hasPrefix("temper.sqlite.") })
    #expect(try Data(contentsOf: damaged.url.appendingPathComponent("lost+found/\(name)")) == before)
    #expect(try StoreCheck(damaged.url).isWhole)
    let store = try Store(at: damaged.url)
    let kept = try store.jobs(limit: 100).elements.map(\.job.id)
    #expect(kept.count == 60 - lost && Set(kept).isSubset(of: damaged.jobs))
    try store.close()
  }

  @Test("jobs between bad pages are found where the indexes are damaged too", arguments: [[0, -1], [0, 4, 5], [3, -2, -1]])
  func manyLeaves(_ places: [Int]) throws {
    let damaged = try DamagedFolder(jobs: 60)
    let leaves = try damaged.leavesOfJobs()
    // Of every index, and of the tables that are kept as one.
    try damaged.spoil(damaged.pages(kind: 10, holding: nil))
    let lost = try damaged.spoil(places.map { $0 < 0 ? leaves[leaves.count + $0] : leaves[$0] })
    let repair = try StoreCheck(damaged.url, repair: true)
    let jobs = try repair.salvaged("jobs")
    #expect(jobs.kept == 60 - lost)
    #expect(jobs.lost >= 1 && !jobs.isExact)
    #expect(jobs.description.contains("at least"))
    #expect(try StoreCheck(damaged.url).isWhole)
  }

  @Test("events between bad pages are found")
  func events() throws {
    let damaged = try DamagedFolder(jobs: 200)
    let leaves = try damaged.pages(kind: 10, holding: "\"attempt\"")
    try #require(leaves.count > 4)
    let all = try damaged.count("events")
    let lost = try damaged.spoil([leaves[1], leaves[leaves.count - 2]])
    let repair = try StoreCheck(damaged.url, repair: true)
    let events = try repair.salvaged("events")
    #expect(events.kept == all - lost)
    #expect(events.lost >= 1 && !events.isExact)
    #expect(try repair.salvaged("jobs").lost == 0)
  }

  @Test("damage of an index alone costs nothing")
  func index() throws {
    let damaged = try DamagedFolder(jobs: 60)
    // An index of states holds them beside numbers, and no ids.
    let pages = try damaged.pages(kind: 10, holding: "queued")
    let queue = try DatabaseQueue(path: damaged.database.path)
    let roots = try queue.read { db in
      try Int.fetchAll(db, sql: "SELECT rootpage - 1 FROM sqlite_master WHERE name IN ('jobs_by_turn', 'jobs_by_state')")
    }
    try queue.close()
    try damaged.spoil(pages.filter(roots.contains))
    #expect(!(try StoreCheck(damaged.url).isWhole))
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.isEmpty)
    #expect(repair.salvaged.allSatisfy { $0.lost == 0 })
    #expect(try repair.salvaged("jobs").kept == 60)
    #expect(try StoreCheck(damaged.url).isWhole)
  }

  @Test("a database without its header, or without its end, is not called mended", arguments: [true, false])
  func header(_ isHeader: Bool) throws {
    let damaged = try DamagedFolder(jobs: 60)
    var bytes = try Data(contentsOf: damaged.database)
    if isHeader { bytes.replaceSubrange(0..<100, with: Data(count: 100)) } else { bytes = bytes.prefix(bytes.count / 3 * 2) }
    try bytes.write(to: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.contains { $0.kind == .lost })
    #expect(damaged.lost.contains { $0.hasPrefix("temper.sqlite.") })
    #expect(try StoreCheck(damaged.url).findings.filter { $0.kind == .database }.isEmpty)
    let jobs = try repair.salvaged("jobs")
    #expect(isHeader ? jobs.kept == 0 : jobs.kept > 0)
    #expect(jobs.lost > 0 || !isHeader)
  }

  @Test("a repair without room is refused, and nothing is touched", arguments: [true, false])
  func noRoom(_ isKnownBefore: Bool) throws {
    let damaged = try DamagedFolder(jobs: 60)
    try damaged.spoil([damaged.leavesOfJobs()[1]])
    let before = try damaged.contents()
    var limits = SalvageLimits()
    if isKnownBefore { limits.freeBytes = 100_000 } else { limits.mostPages = 32 }
    let error = try #require(throws: DataDirectoryError.self) { try StoreCheck(damaged.url, repair: true, limits: limits) }
    #expect(error.description.contains("was not repaired and is as it was"))
    #expect(error.description.contains(isKnownBefore ? "room for twice" : "the disk is full"))
    #expect(try damaged.contents() == before)
    #expect(damaged.lost.isEmpty)
  }

  private struct Killed: Error {}

  @Test("a repair that is killed leaves the old database or the new one, and the next repair ends it", arguments: 0..<5)
  func killed(_ step: Int) throws {
    let source = try DamagedFolder(jobs: 60)
    let store = try Store(at: source.url)
    for _ in 0..<5 { try store.submit(Specs.parsed(Specs.smallest)) }
    // As after a kill: what the log holds is not yet in the database.
    let copy = try TestFolder()
    for name in try FileManager.default.contentsOfDirectory(atPath: source.url.path) where !name.hasSuffix("-shm") {
      try FileManager.default.copyItem(at: source.url.appendingPathComponent(name), to: copy.url.appendingPathComponent(name))
    }
    try store.close()
    let database = copy.url.appendingPathComponent("temper.sqlite")
    let leaf = try source.leavesOfJobs()[1]
    var bytes = try Data(contentsOf: database)
    let lost = Int(bytes[leaf * 4_096 + 3]) << 8 | Int(bytes[leaf * 4_096 + 4])
    bytes.replaceSubrange(leaf * 4_096..<leaf * 4_096 + 64, with: Data(repeating: 0xFF, count: 64))
    try bytes.write(to: database)

    var limits = SalvageLimits()
    let steps = Counter()
    limits.step = { _ in if steps.next() == step { throw Killed() } }
    #expect(throws: Killed.self) { try StoreCheck(copy.url, repair: true, limits: limits) }
    let again = try StoreCheck(copy.url, repair: true)
    #expect(step == 4 ? again.isWhole : again.salvaged.first?.description == "jobs: \(65 - lost) kept, \(lost) lost")
    let repaired = try Store(at: copy.url)
    #expect(try repaired.jobs(limit: 100).elements.count == 65 - lost)
    try repaired.close()
  }

  @Test("a database of an earlier version is repaired as what it was, and then brought forward")
  func earlier() throws {
    let damaged = try DamagedFolder(jobs: 20)
    try damaged.change("DELETE FROM grdb_migrations WHERE identifier LIKE '2:%' OR identifier LIKE '3:%'")
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.isEmpty)
    #expect(try repair.salvaged("jobs").description == "jobs: 20 kept")
    let store = try Store(at: damaged.url)
    #expect(try store.jobs().elements.map(\.job.id) == damaged.jobs.reversed())
    try store.close()
  }
}

private final class Counter: @unchecked Sendable {
  // Asked by one thread alone.
  private var count = -1
  func next() -> Int {
    count += 1
    return count
  }
}
