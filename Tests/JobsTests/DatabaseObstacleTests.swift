import Files
import Foundation
import GRDB
import Glibc
import JSON
import Jobs
import Testing

@Suite("What keeps a whole database from being used") struct DatabaseObstacleTests {
  @Test(
    "only what SQLite calls damage is damage; the rest is named, with what would help",
    arguments: [
      (ResultCode.SQLITE_FULL, "the disk is full", ENOSPC), (.SQLITE_BUSY, "another process", EBUSY),
      (.SQLITE_LOCKED, "another process", EBUSY),
      (.SQLITE_READONLY, "may not write", EACCES), (.SQLITE_PERM, "may not write", EACCES),
      (.SQLITE_IOERR, "the disk reports an error", EIO),
      (.SQLITE_CANTOPEN, "no file descriptor", EMFILE), (.SQLITE_NOMEM, "no memory", ENOMEM),
    ])
  func named(_ code: ResultCode, _ words: String, _ number: Int32) throws {
    let folder = try TestFolder()
    let error = DatabaseError(resultCode: code)
    let obstacle = try #require(DatabaseObstacle(error, at: folder.url.appendingPathComponent("none"), freeBytes: 1 << 30))
    #expect(obstacle.what.contains(words))
    #expect(obstacle.code == number)
    #expect(!error.isDamage)
  }

  @Test(
    "what is in the place of a file of the database and is none is named, at once", arguments: ["", "-wal", "-shm", "-journal"],
    ["folder", "pipe", "link"])
  func stranger(_ suffix: String, _ kind: String) throws {
    let damaged = try DamagedFolder(jobs: 1)
    let url = damaged.url.appendingPathComponent("temper.sqlite\(suffix)")
    if suffix.isEmpty { try FileManager.default.moveItem(at: url, to: damaged.url.appendingPathComponent("lost+found.sqlite")) }
    unlink(url.path)
    switch kind {
    case "folder": try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    case "pipe": #expect(mkfifo(url.path, 0o644) == 0)
    default: #expect(symlink("nowhere", url.path) == 0)
    }
    for attempt in [{ _ = try Store(at: damaged.url) }, { _ = try StoreCheck(damaged.url) }] {
      let error = try #require(throws: DataDirectoryError.self) { try attempt() }
      #expect(error.description.contains("temper.sqlite\(suffix) is ") || error.description.contains("no temper.sqlite"))
    }
  }

  @Test("a stray journal keeps nobody from checking the database")
  func strayJournal() throws {
    let damaged = try DamagedFolder(jobs: 1)
    try Data("x".utf8).write(to: damaged.url.appendingPathComponent("temper.sqlite-journal"))
    let check = try StoreCheck(damaged.url)
    #expect(check.findings.map(\.id) == ["temper.sqlite-journal"])
    #expect(check.open.isEmpty)
    #expect(try StoreCheck(damaged.url).isWhole)
  }

  @Test("a log that is cut while the service runs is damage, which the service does not call ready")
  func logCutUnderneath() throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(at: damaged.url)
    for _ in 0..<50 { try store.submit(Specs.parsed(Specs.smallest)) }
    try store.requireWritable()
    #expect(truncate(damaged.database.path + "-wal", 0) == 0)
    #expect(throws: DamagedStore.self) { try store.requireWritable() }
    #expect(throws: DamagedStore.self) { try store.requireWritable() }
  }

  @Test("a log that another program empties in the ordinary way is no damage")
  func logEmptied() throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(at: damaged.url)
    for _ in 0..<50 { try store.submit(Specs.parsed(Specs.smallest)) }
    let other = try DatabaseQueue(path: damaged.database.path)
    try other.inDatabase { db in try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    try other.close()
    try store.requireWritable()
    #expect(try store.jobs(limit: 100).elements.count == 51)
  }

  @Test("damage is no obstacle", arguments: [ResultCode.SQLITE_CORRUPT, .SQLITE_NOTADB])
  func damage(_ code: ResultCode) throws {
    let error = DatabaseError(resultCode: code)
    #expect(error.isDamage)
    #expect(DatabaseObstacle(error, at: URL(fileURLWithPath: "/nowhere"), freeBytes: 0) == nil)
  }

  @Test("an error of a disk without room is a full disk")
  func full() {
    let error = DatabaseError(resultCode: .SQLITE_IOERR)
    #expect(DatabaseObstacle(error, at: URL(fileURLWithPath: "/nowhere"), freeBytes: 4_096)?.code == ENOSPC)
  }

  @Test("a database that another process has locked is not called damaged, and a repair of it changes nothing", arguments: [false, true])
  func locked(_ isDamaged: Bool) throws {
    let damaged = try DamagedFolder(jobs: 20)
    if isDamaged { try damaged.spoil([damaged.leavesOfJobs()[1]]) }
    let before = try damaged.contents()
    let lock = try ForeignLock(in: damaged.url, "EXCLUSIVE")
    for attempt in [{ _ = try Store(at: damaged.url) }, { _ = try StoreCheck(damaged.url, repair: true) }] {
      let error = try #require(throws: DataDirectoryError.self) { try attempt() }
      #expect(error.description.contains("another process"))
      #expect(!error.description.contains("is damaged"))
      #expect(!error.description.contains("fsck"))
    }
    #expect(try damaged.contents() == before)
    try lock.giveUp()
    #expect(try StoreCheck(damaged.url, repair: true).salvaged.isEmpty == !isDamaged)
  }

  @Test("a change that meets another process's lock waits for it", arguments: ["IMMEDIATE", "EXCLUSIVE"])
  func lockedForAMoment(_ kind: String) async throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(DataDirectory(damaged.url), lockSeconds: 60)
    let lock = try ForeignLock(in: damaged.url, kind)
    async let submitted = store.submit(Specs.parsed(Specs.smallest)).id
    try await Task.sleep(for: .milliseconds(50))
    // Nobody who reads waits.
    #expect(try store.counts() == [.queued: 1])
    try lock.giveUp()
    _ = try await submitted
    #expect(try store.counts() == [.queued: 2])
    try store.close()
  }

  @Test("one that lasts too long fails each change, in words, until it is given up")
  func lockedForLong() throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(DataDirectory(damaged.url), lockSeconds: 0.1)
    let lock = try ForeignLock(in: damaged.url)
    for _ in 0..<3 {
      let error = try #require(throws: StorageError.self) { try store.submit(Specs.parsed(Specs.smallest)) }
      #expect(error.isLock && error.mayPass)
      #expect(error.description.hasSuffix("another process has the database open and holds its lock"))
    }
    #expect(try store.jobs().elements.count == 1)
    try lock.giveUp()
    try store.submit(Specs.parsed(Specs.smallest))
    try store.close()
  }

  @Test("a reader in the way of emptying the log holds up no change")
  func readerInTheWay() throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(DataDirectory(damaged.url), lockSeconds: 60)
    try store.submit(Specs.parsed(Specs.smallest))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let reader = try DatabaseQueue(path: damaged.database.path, configuration: configuration)
    try reader.inDatabase { db in try db.execute(sql: "BEGIN; SELECT count(*) FROM jobs") }
    try store.submit(Specs.parsed(Specs.smallest))
    // At its end it empties the log, or leaves it: with this patience the test would not end.
    try store.close()
    try reader.inDatabase { db in try db.execute(sql: "ROLLBACK") }
    try reader.close()
  }

  @Test("a database that may not be written is not called damaged", .enabled(if: geteuid() != 0, "root may write everything"))
  func readOnly() throws {
    let damaged = try DamagedFolder(jobs: 1)
    chmod(damaged.database.path, 0o444)
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: damaged.url) }
    #expect(error.description.contains("may not write"))
    #expect(throws: DataDirectoryError.self) { try StoreCheck(damaged.url, repair: true) }
  }

  // MARK: Tables

  @Test("a missing table is told in words, with what to do", arguments: ["uses", "events", "jobs"])
  func missingTable(_ name: String) throws {
    let damaged = try DamagedFolder(jobs: 3)
    try damaged.change("DROP TABLE \(name)")
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: damaged.url) }
    #expect(error.description.contains("the table \(name) is missing"))
    #expect(error.description.contains("temper fsck"))
    #expect(!error.description.contains("SELECT"))
    let repair = try StoreCheck(damaged.url, repair: true)
    #expect(repair.open.contains { $0.kind == .lost && $0.id == name })
    #expect(try StoreCheck(damaged.url).isWhole)
    try Store(at: damaged.url).close()
  }

  @Test("a missing note of a migration is told in words", arguments: ["1:", "2:", "3:"])
  func missingMigration(_ number: String) throws {
    let damaged = try DamagedFolder(jobs: 3)
    try damaged.change("DELETE FROM grdb_migrations WHERE identifier LIKE '\(number)%'")
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: damaged.url) }
    #expect(error.description.contains("is not complete"))
    #expect(error.description.contains("temper fsck"))
    #expect(!error.description.contains("ALTER TABLE") && !error.description.contains("CREATE TABLE"))
  }

  @Test("another program's database is not called one of a newer version")
  func strange() throws {
    let folder = try TestFolder()
    let queue = try DatabaseQueue(path: folder.url.appendingPathComponent("temper.sqlite").path)
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: notes") { db in try db.execute(sql: "CREATE TABLE notes (text TEXT)") }
    try migrator.migrate(queue)
    try queue.close()
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("no database of Temper's"))
    #expect(!error.description.contains("newer"))
  }
}
