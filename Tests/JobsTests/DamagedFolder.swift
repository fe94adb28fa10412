import Files
import Foundation
import GRDB
import JSON
import Jobs
import Testing

/// A data folder with jobs, whose database is harmed page by page.
struct DamagedFolder {
  static let pageBytes = 4_096

  let folder: TestFolder
  let jobs: [String]
  var url: URL { folder.url }
  var database: URL { url.appendingPathComponent("temper.sqlite") }

  static let tables = ["jobs", "transitions", "events", "checkpoints"]

  init(jobs count: Int, withCheckpoints: Bool = false) throws {
    folder = try TestFolder()
    let store = try Store(at: folder.url)
    jobs = try (0..<count).map { number in
      let id = try store.submit(Specs.parsed(Specs.smallest.setting("/name", to: .string("job \(number)")))).id
      guard withCheckpoints else { return id }
      try store.note(.made(.last, sha256: store.directory.files.write { try $0.append(Data(id.utf8)) }.sha256), of: id)
      return id
    }
    try store.close()
  }

  /// The number, from 0, of the first page of a table's tree.
  func root(of table: String) throws -> Int {
    let queue = try DatabaseQueue(path: database.path)
    defer { try? queue.close() }
    return try queue.read { db in
      try Int.fetchOne(db, sql: "SELECT rootpage - 1 FROM sqlite_master WHERE name = ?", arguments: [table]) ?? 0
    }
  }

  /// The names of the files that are named by their digest.
  func files() throws -> Set<String> {
    Set(try FileManager.default.subpathsOfDirectory(atPath: url.appendingPathComponent("files").path).filter { $0.utf8.count > 2 })
  }

  /// The numbers of the pages, from 0, that are of a kind of b-tree page (the first byte, sqlite.org/fileformat2.html#b_tree_pages) and
  /// hold a text; `nil` for any.
  func pages(kind: UInt8, holding text: String?) throws -> [Int] {
    let bytes = try Data(contentsOf: database)
    return (1..<bytes.count / Self.pageBytes).filter { page in
      let content = bytes[page * Self.pageBytes..<(page + 1) * Self.pageBytes]
      return content.first == kind && (text.map { content.range(of: Data($0.utf8)) != nil } ?? true)
    }
  }

  /// The leaves of the table of jobs, which no other has texts of.
  func leavesOfJobs() throws -> [Int] { try pages(kind: 13, holding: "\"threat\"") }

  /// Writes nonsense over the heads of pages.
  ///
  /// - Returns: how many rows they had.
  @discardableResult
  func spoil(_ pages: [Int]) throws -> Int {
    var bytes = try Data(contentsOf: database)
    var rows = 0
    for page in pages {
      let start = page * Self.pageBytes
      rows += Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
      bytes.replaceSubrange(start..<start + 64, with: Data(repeating: 0xFF, count: 64))
    }
    try bytes.write(to: database)
    return rows
  }

  func count(_ table: String) throws -> Int {
    let queue = try DatabaseQueue(path: database.path)
    defer { try? queue.close() }
    return try queue.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
  }

  func change(_ sql: String) throws {
    let queue = try DatabaseQueue(path: database.path)
    try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA foreign_keys = OFF; \(sql)") }
    try queue.close()
  }

  /// The content of every file but those that SQLite makes anew with each reader, the heartbeat of whoever looks, and lost+found.
  func contents() throws -> [String: Data] {
    try FileManager.default.subpathsOfDirectory(atPath: url.path).reduce(into: [:]) { contents, name in
      let file = url.appendingPathComponent(name)
      guard !name.hasSuffix("-shm"), !name.hasSuffix("-wal"), !name.hasPrefix("lost+found"), name != Heartbeat.name,
        let data = try? Data(contentsOf: file)
      else {
        return
      }
      contents[name] = data
    }
  }

  var lost: [String] { Folder.names(in: url.appendingPathComponent("lost+found")) }
}

extension StoreCheck {
  /// What was kept of a table.
  func salvaged(_ table: String) throws -> SalvagedTable { try #require(salvaged.first { $0.name == table }) }
}
