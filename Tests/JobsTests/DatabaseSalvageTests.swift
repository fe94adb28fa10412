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

  @Test("jobs between bad pages are found where the indexes are damaged too", arguments: [[0, 4, 5], [3, -2, -1]])
  func manyLeaves(_ places: [Int]) throws {
    let damaged = try DamagedFolder(jobs: 40)
    let leaves = try damaged.leavesOfJobs()
    // Of every index, and of the tables that are kept as one.
    try damaged.spoil(damaged.pages(kind: 10, holding: nil))
    let lost = try damaged.spoil(places.map { $0 < 0 ? leaves[leaves.count + $0] : leaves[$0] })
    let repair = try StoreCheck(damaged.url, repair: true)
    let jobs = try repair.salvaged("jobs")
    #expect(jobs.kept == 40 - lost)
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
    // Of the spoiled pages those records are found whose places are noted behind the nonsense.
    #expect(events.kept >= all - lost && events.kept < all)
    #expect(!events.isExact)
    #expect(repair.open.contains { $0.kind == .lost && $0.id == "events" })
    #expect(try repair.salvaged("jobs").lost == 0)
  }

  @Test("where the order of the events cannot be read, nor all of its index, the repair comes to an end all the same")
  func sparseNumbers() throws {
    let damaged = try DamagedFolder(jobs: 200)
    let index = try damaged.root(of: "sqlite_autoindex_event_order_1")
    let bytes = try Data(contentsOf: damaged.database)
    // The last child of an inner page is named in its head.
    let start = index * DamagedFolder.pageBytes
    let isInner: Bool = bytes[start] == UInt8(2)
    try #require(isInner)
    let child = bytes[start + 8..<start + 12].reduce(0) { $0 << 8 | Int($1) }
    try damaged.spoil([damaged.root(of: "event_order"), child - 1])
    let order = try StoreCheck(damaged.url, repair: true).salvaged("event_order")
    #expect(order.kept == 0 && order.lost > 0)
    try Store(at: damaged.url).close()
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

  @Test("a database without its end is not called mended")
  func cut() throws {
    let damaged = try DamagedFolder(jobs: 60)
    var bytes = try Data(contentsOf: damaged.database)
    bytes = bytes.prefix(bytes.count / 3 * 2)
    try bytes.write(to: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.contains { $0.kind == .lost })
    #expect(damaged.lost.contains { $0.hasPrefix("temper.sqlite.") })
    #expect(try StoreCheck(damaged.url).findings.filter { $0.kind == .database }.isEmpty)
    #expect(try repair.salvaged("jobs").kept > 0)
  }

  @Test(
    "a bit of the header that is the same in every database costs nothing, nor does the whole header",
    arguments: [0, 15, 16, 17, 18, 19, 20, 21, 28, 47, 59, nil])
  func header(_ place: Int?) throws {
    let damaged = try DamagedFolder(jobs: 25)
    var bytes = try Data(contentsOf: damaged.database)
    if let place { bytes[place] ^= 0x10 } else { bytes.replaceSubrange(0..<100, with: Data(count: 100)) }
    try bytes.write(to: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.isEmpty, "\(repair.open)")
    let store = try Store(at: damaged.url)
    #expect(try store.jobs(limit: 100).elements.count == 25)
    try store.close()
    #expect(try StoreCheck(damaged.url).isWhole)
  }

  @Test(
    "a flipped bit in what a page is costs no record of the table, whichever page of its tree it is",
    arguments: ["jobs", "events", "transitions", "checkpoints"])
  func root(_ table: String) throws {
    let damaged = try DamagedFolder(jobs: 25, withCheckpoints: true)
    let count = try damaged.count(table)
    var bytes = try Data(contentsOf: damaged.database)
    let root = try damaged.root(of: table)
    bytes[root * DamagedFolder.pageBytes] ^= 0x10
    try bytes.write(to: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(try repair.salvaged(table).kept == count)
    #expect(try repair.salvaged(table).lost == 0)
    #expect(try damaged.count(table) == count)
    #expect(try StoreCheck(damaged.url).findings.filter { $0.kind == .database || $0.kind == .record }.isEmpty)
  }

  @Test("without the list of tables the records are found by what they look like")
  func schema() throws {
    let damaged = try DamagedFolder(jobs: 25, withCheckpoints: true)
    let counts = try DamagedFolder.tables.map { try damaged.count($0) }
    var bytes = try Data(contentsOf: damaged.database)
    bytes[100] ^= 0x10
    try bytes.write(to: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(try DamagedFolder.tables.map { try repair.salvaged($0).kept } == counts)
    #expect(try repair.salvaged("jobs").description == "jobs: 25 kept, perhaps not all")
  }

  /// What is harmed, and whether the service must be closed after the repair.
  enum TokenHarm: CaseIterable {
    case tokens, noTokens, noTokensAndIndexes, settings, otherTable, end, listOfTables

    /// An index that is whole and has no entry says that there was none.
    var closes: Bool { self != .otherTable && self != .noTokens }
  }

  @Test(
    "a repair that cannot say that there was no token leaves a service that asks for one, and others as they were",
    arguments: TokenHarm.allCases)
  func tokens(_ harm: TokenHarm) throws {
    let damaged = try DamagedFolder(jobs: 60)
    if harm == .tokens {
      let store = try Store(at: damaged.url)
      _ = try store.makeToken(name: "root", owner: "*", role: .admin)
      try store.close()
    }
    var bytes = try Data(contentsOf: damaged.database)
    switch harm {
    case .tokens, .noTokens: try damaged.spoil([damaged.root(of: "tokens")])
    case .noTokensAndIndexes:
      try damaged.spoil(["tokens", "sqlite_autoindex_tokens_1", "sqlite_autoindex_tokens_2"].map { try damaged.root(of: $0) })
    case .settings: try damaged.spoil([damaged.root(of: "settings")])
    case .otherTable: try damaged.spoil([damaged.leavesOfJobs()[1]])
    case .end:
      bytes = bytes.prefix(10 * DamagedFolder.pageBytes)
      try bytes.write(to: damaged.database)
    case .listOfTables:
      bytes[100] ^= 0x10
      try bytes.write(to: damaged.database)
    }
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.contains { $0.id == "tokens" && $0.detail.contains("temper token create") } == harm.closes)
    for _ in 0..<2 {
      let store = try Store(at: damaged.url)
      #expect(store.needsTokens == harm.closes)
      try store.close()
    }
  }

  @Test("where rows are found page by page none of another table or of an index is taken, and sizes are looked up")
  func otherTables() throws {
    let damaged = try DamagedFolder(jobs: 25, withCheckpoints: true)
    let store = try Store(at: damaged.url)
    let first = try #require(try store.claim())
    let follower = try store.submit(Specs.parsed(Specs.smallest.setting("/after", to: .string(first.id)))).id
    _ = try store.makeToken(name: "root", owner: "*", role: .admin)
    _ = try store.makeToken(name: "ci", owner: "ann", role: .read)
    try store.close()
    let tables = ["turns", "settings", "uses", "files", "attempts", "tokens", "damaged", "released", "idempotency", "sweep_jobs"]
    let counts = try tables.map { try damaged.count($0) }
    var content = try Data(contentsOf: damaged.database)
    content[100] ^= 0x10
    try content.write(to: damaged.database)
    let repair = try StoreCheck(damaged.url, repair: true)
    // The one setting is that tokens may be lost.
    #expect(try tables.map { try repair.salvaged($0).kept } == counts, "\(repair.salvaged.map(\.description))")
    #expect(try StoreCheck(damaged.url).isWhole)
    let repaired = try Store(at: damaged.url)
    #expect(try repaired.quotaUse(of: "local").storedBytes == damaged.jobs.reduce(0) { $0 + $1.utf8.count })
    #expect(try repaired.job(follower).follows == first.id)
    try repaired.close()
  }

  @Test("after a repair that lost records, what they may have named stays where it is until the note of it is removed")
  func kept() throws {
    let damaged = try DamagedFolder(jobs: 25, withCheckpoints: true)
    let job = damaged.url.appendingPathComponent("jobs/\(damaged.jobs[12])")
    try Folder.make(job)
    let leaves = try damaged.leavesOfJobs()
    try damaged.spoil(leaves)
    let files = try damaged.files()
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(try repair.salvaged("jobs").description == "jobs: 0 kept, all 25 lost")
    #expect(repair.open.contains { $0.kind == .lost && $0.detail.hasPrefix("all of its") })
    for _ in 0..<2 {
      try Store(at: damaged.url).close()
      let again = try StoreCheck(damaged.url, repair: true)
      #expect(again.open.isEmpty && again.findings.allSatisfy { $0.kind == .unnamed && $0.mended == nil })
      #expect(try damaged.files() == files)
      #expect(FileManager.default.fileExists(atPath: job.path))
    }
    // One job at least: a database that knows none is refused.
    let store = try Store(at: damaged.url)
    try store.submit(Specs.parsed(Specs.smallest))
    try store.close()
    try FileManager.default.removeItem(at: damaged.url.appendingPathComponent("records-were-lost.txt"))
    try Store(at: damaged.url).close()
    #expect(try damaged.files().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: job.path))
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
    #expect(error.description.contains(isKnownBefore ? "room for four times" : "the disk is full"))
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
