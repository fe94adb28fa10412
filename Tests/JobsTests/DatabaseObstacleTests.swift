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
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: damaged.database.path, configuration: configuration)
    try other.inDatabase { db in try db.execute(sql: "BEGIN EXCLUSIVE") }
    for attempt in [{ _ = try Store(at: damaged.url) }, { _ = try StoreCheck(damaged.url, repair: true) }] {
      let error = try #require(throws: DataDirectoryError.self) { try attempt() }
      #expect(error.description.contains("another process"))
      #expect(!error.description.contains("is damaged"))
      #expect(!error.description.contains("fsck"))
    }
    #expect(try damaged.contents() == before)
    try other.inDatabase { db in try db.execute(sql: "ROLLBACK") }
    try other.close()
    #expect(try StoreCheck(damaged.url, repair: true).salvaged.isEmpty == !isDamaged)
  }

  @Test("a change that meets another process's lock is a shortage that may pass")
  func lockedLater() throws {
    let damaged = try DamagedFolder(jobs: 1)
    let store = try Store(at: damaged.url)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: damaged.database.path, configuration: configuration)
    try other.inDatabase { db in try db.execute(sql: "BEGIN EXCLUSIVE") }
    #expect(try #require(throws: StorageError.self) { try store.submit(Specs.parsed(Specs.smallest)) }.code == EBUSY)
    try other.inDatabase { db in try db.execute(sql: "ROLLBACK") }
    try store.submit(Specs.parsed(Specs.smallest))
    try other.close()
    try store.close()
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
