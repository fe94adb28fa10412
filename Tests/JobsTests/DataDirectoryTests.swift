import Files
import Foundation
import GRDB
import Jobs
import JSON
import Testing

@Suite("The data directory") struct DataDirectoryTests {
  private func contents(_ folder: URL) throws -> Set<String> {
    Set(try FileManager.default.subpathsOfDirectory(atPath: folder.path))
  }

  @Test(
    "a folder of somebody else's is refused and left as it is",
    arguments: ["readme.md", "datasets/a/cats.csv", "models/net.bin", ".git/HEAD"])
  func strangers(_ name: String) throws {
    let folder = try TestFolder()
    let file = folder.url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: file)
    let before = try contents(folder.url)
    let error = try #require(throws: DataDirectoryError.self) { try DataDirectory(folder.url) }
    #expect(error.description.contains("holds no Temper database"))
    #expect(try contents(folder.url) == before)
    #expect(try Data(contentsOf: file) == Data("mine".utf8))
  }

  @Test("a missing or empty database beside files of jobs is refused, and the files stay", arguments: [false, true])
  func lostDatabase(_ isEmpty: Bool) throws {
    let folder = try TestFolder()
    let sha256: String
    do {
      let store = try Store(at: folder.url)
      sha256 = try store.directory.files.write { try $0.append(Data("mine".utf8)) }.sha256
      try store.close()
    }
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(at: folder.url.appendingPathComponent("temper.sqlite\(suffix)"))
    }
    if isEmpty { try Data().write(to: folder.url.appendingPathComponent("temper.sqlite")) }
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("put the database back"))
    #expect(FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("files/\(sha256.prefix(2))/\(sha256)").path))
  }

  @Test("a missing or empty database beside its log is refused, and the log stays as it is", arguments: [false, true])
  func lostBesideLog(_ isEmpty: Bool) throws {
    let (folder, copy) = (try TestFolder(), try TestFolder())
    let store = try Store(at: folder.url)
    for _ in 0..<3 { try store.submit(Specs.parsed(Specs.smallest)) }
    // As after a kill: nothing was closed.
    for name in ["files", "jobs", "incoming", "lock", "temper.sqlite-wal"] {
      try FileManager.default.copyItem(at: folder.url.appendingPathComponent(name), to: copy.url.appendingPathComponent(name))
    }
    try store.close()
    if isEmpty { try Data().write(to: copy.url.appendingPathComponent("temper.sqlite")) }
    let log = copy.url.appendingPathComponent("temper.sqlite-wal")
    let before = try (contents(copy.url), Data(contentsOf: log))
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: copy.url) }
    #expect(error.description.contains("temper.sqlite-wal"))
    #expect(error.description.contains("put the database back"))
    #expect(try contents(copy.url) == before.0)
    #expect(try Data(contentsOf: log) == before.1)
  }

  @Test("a database that knows no job is refused beside folders of jobs, and these stay")
  func otherDatabase() throws {
    let folder = try TestFolder()
    try Store(at: folder.url).close()
    let job = folder.url.appendingPathComponent("jobs/\(Identifier.job.make(at: .now))")
    try Folder.make(job)
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("its database knows no job"))
    #expect(FileManager.default.fileExists(atPath: job.path))
    // The folder of a job that is deleted goes before its record.
    Folder.remove(job)
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    try Folder.make(store.directory.job(id))
    try store.move(id, to: .cancelled)
    try store.delete(id)
    try store.close()
    #expect(Folder.names(in: folder.url.appendingPathComponent("jobs")).isEmpty)
    try Store(at: folder.url).close()
  }

  @Test("a link to nothing is refused in words")
  func danglingLink() throws {
    let folder = try TestFolder()
    let link = folder.url.appendingPathComponent("data")
    try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: folder.url.appendingPathComponent("gone").path)
    let error = try #require(throws: DataDirectoryError.self) { try DataDirectory(link) }
    #expect(error.description.contains("a link to something that is not there"))
  }

  @Test("a database without a table beside the folder of a job is refused, as a missing one is", arguments: [false, true])
  func emptyDatabase(_ hasDatabase: Bool) throws {
    let folder = try TestFolder()
    let job = folder.url.appendingPathComponent("jobs/\(Identifier.job.make(at: .now))")
    try Folder.make(folder.url.appendingPathComponent("jobs"))
    try Folder.make(job)
    if hasDatabase {
      try changeDatabase(in: folder.url, "PRAGMA user_version = 1")
    }
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("has something in jobs"))
    #expect(FileManager.default.fileExists(atPath: job.path))
  }

  @Test("a database of somebody else's, or what is none at all, is refused and left as it is", arguments: ["mine", "grdb_migrations", nil])
  func strangersDatabase(_ table: String?) throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("temper.sqlite")
    if let table {
      let database = try DatabaseQueue(path: url.path)
      // With notes of migrations too, as any program has them that uses the same library.
      try database.write { db in try db.execute(sql: "CREATE TABLE \(table) (identifier TEXT); CREATE TABLE theirs (a)") }
      try database.close()
    } else {
      try Data("this is not a database at all".utf8).write(to: url)
    }
    let before = try Data(contentsOf: url)
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("no database of Temper's"))
    #expect(try contents(folder.url) == ["temper.sqlite"])
    #expect(try Data(contentsOf: url) == before)
  }

  @Test("a folder in which the first start was cut off is taken")
  func cutOff() throws {
    let folder = try TestFolder()
    for name in ["files", "jobs", "incoming", "lost+found"] { try Folder.make(folder.url.appendingPathComponent(name)) }
    try Data().write(to: folder.url.appendingPathComponent("lock"))
    #expect(try Store(at: folder.url).jobs().elements.isEmpty)
  }

  @Test("a database of a newer version is refused in words")
  func newer() throws {
    let folder = try TestFolder()
    try Store(at: folder.url).close()
    try changeDatabase(in: folder.url, "INSERT INTO grdb_migrations (identifier) VALUES ('99: from the future')")
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("newer version"))
  }

  @Test("a directory that goes from under the service is told, and nothing is stored into the void")
  func removed() throws {
    let folder = try TestFolder()
    let data = folder.url.appendingPathComponent("data")
    let store = try Store(at: data)
    try store.requireWritable()
    try FileManager.default.moveItem(at: data, to: folder.url.appendingPathComponent("elsewhere"))
    let error = try #require(throws: StorageError.self) { try store.submit(Specs.parsed(Specs.smallest)) }
    #expect(error.description.contains("has gone"))
    #expect(throws: StorageError.self) { try store.requireWritable() }
    try FileManager.default.moveItem(at: folder.url.appendingPathComponent("elsewhere"), to: data)
    try store.requireWritable()
  }

  @Test(
    "a database or a log that is removed or replaced under the service is told, and nothing is stored into the void",
    arguments: ["", "-wal"])
  func replaced(_ suffix: String) throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    try store.requireWritable()
    let file = folder.url.appendingPathComponent("temper.sqlite\(suffix)")
    let aside = folder.url.appendingPathComponent("aside")
    try FileManager.default.moveItem(at: file, to: aside)
    try Data(contentsOf: aside).write(to: file)
    let error = try #require(throws: StorageError.self) { try store.submit(Specs.parsed(Specs.smallest)) }
    #expect(error.description.contains("removed or replaced"))
    #expect(throws: StorageError.self) { try store.requireWritable() }
    try FileManager.default.removeItem(at: file)
    try FileManager.default.moveItem(at: aside, to: file)
    try store.requireWritable()
  }

  @Test("a folder of the data directory on another disk, or a file in its place, is refused in words")
  func otherDisk() throws {
    let (folder, plain) = (try TestFolder(), try TestFolder())
    try Data().write(to: plain.url.appendingPathComponent("files"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.url.appendingPathComponent("files").path, withDestinationPath: "/dev/shm")
    for root in [folder.url, plain.url] {
      let error = try #require(throws: DataDirectoryError.self) { try DataDirectory(root) }
      #expect(error.description.contains("files"), "\(error)")
    }
    let file = plain.url.appendingPathComponent("files")
    let error = try #require(throws: DataDirectoryError.self) { try DataDirectory(file) }
    #expect(error.description.contains("is a file and no folder"))
  }

  @Test(
    "numbers of a damaged row are no fault of the process: the job answers as damaged, the others go on",
    arguments: ["attempt", "revision", "ran_ms"])
  func damagedNumbers(_ column: String) throws {
    let folder = try TestFolder()
    let ids: [String]
    do {
      let store = try Store(at: folder.url)
      ids = try (0..<2).map { _ in try store.submit(Specs.parsed(Specs.smallest)).id }
      try store.close()
    }
    let database = try DatabaseQueue(path: folder.url.appendingPathComponent("temper.sqlite").path)
    try database.write { db in
      try db.execute(
        sql: "UPDATE jobs SET \(column) = 9223372036854775807, created_at = -9223372036854775807 WHERE id = ?", arguments: [ids[0]])
      try db.execute(sql: "UPDATE transitions SET at = 9223372036854775807 WHERE job = ?", arguments: [ids[1]])
    }
    try database.close()
    let store = try Store(at: folder.url)
    #expect(throws: Damaged.self) { try store.snapshot(of: ids[0]) }
    #expect(throws: Damaged.self) { try store.move(ids[0], to: .paused) }
    #expect(try store.job(ids[1]).text().contains("9999-12-31"))
    #expect(try store.move(ids[1], to: .paused).state == .paused)
  }

  @Test("a digest that is a path touches nothing outside, whatever record holds it")
  func damagedDigest() throws {
    let folder = try TestFolder()
    let data = folder.url.appendingPathComponent("data")
    let victim = folder.url.appendingPathComponent("victim")
    try Data("precious".utf8).write(to: victim)
    let id: String
    do {
      let store = try Store(at: data)
      id = try store.submit(Specs.parsed(Specs.smallest)).id
      try store.note(.made(.last, sha256: store.directory.files.write { try $0.append(Data("weights".utf8)) }.sha256), of: id)
      try store.close()
    }
    let database = try DatabaseQueue(path: data.appendingPathComponent("temper.sqlite").path)
    try database.write { db in
      try db.execute(sql: "UPDATE checkpoints SET sha256 = '../../victim'")
      try db.execute(sql: "INSERT INTO released (sha256, job) VALUES ('../../victim', 'x')")
    }
    try database.close()
    do {
      let store = try Store(at: data)
      #expect(throws: Damaged.self) { try store.openCheckpoint("last", of: id) }
      try store.move(id, to: .cancelled)
      try store.delete(id)
      try store.close()
    }
    _ = try StoreCheck(data, repair: true)
    #expect(try Data(contentsOf: victim) == Data("precious".utf8))
  }
}
