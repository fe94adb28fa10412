import Files
import Foundation
import GRDB
import Jobs
import JSON
import Testing

@Suite("The check of a data directory") struct StoreCheckTests {
  @Test("a bad row of a job takes nothing with it but itself")
  func badRow() throws {
    let folder = try TestFolder()
    let ids: [String]
    do {
      let store = try Store(at: folder.url)
      ids = try (0..<3).map { _ in try store.submit(Specs.parsed(Specs.smallest)).id }
      try store.close()
    }
    try changeDatabase(in: folder.url, "UPDATE jobs SET state = 'confused' WHERE id = ?", [ids[1]])
    let store = try Store(at: folder.url)
    #expect(try store.jobs().elements.map(\.job.id) == [ids[2], ids[0]])
    #expect(throws: Damaged.self) { try store.job(ids[1]) }
    #expect(try store.counts() == [.queued: 2])
    try store.close()
    let check = try StoreCheck(folder.url)
    #expect(check.findings.map(\.id) == [ids[1]])
    #expect(check.findings.map(\.kind) == [.record])
    #expect(check.open == check.findings)
    let repair = try StoreCheck(folder.url, repair: true)
    #expect(repair.findings.map(\.kind) == [.record, .lost])
    #expect(repair.findings[0].mended?.hasPrefix("moved into lost+found as the text new-jobs-") == true)
    // The job is gone from what the service shows: that is a loss, whatever is kept of it.
    #expect(repair.open.map(\.kind) == [.lost])
    #expect(try StoreCheck(folder.url).isWhole)
  }

  @Test(
    "a damaged counter of a job keeps no other job from coming and costs nothing: it is set anew",
    arguments: [
      "position = 9223372036854775807", "position = -3", "events_reserved = 0", "events_reserved = -1",
      "events_reserved = 9223372036854775807",
    ])
  func damagedCounter(_ change: String) throws {
    let folder = try TestFolder()
    let ids: [String]
    do {
      let store = try Store(at: folder.url)
      ids = try (0..<2).map { _ in try store.submit(Specs.parsed(Specs.smallest)).id }
      for state in [JobState.running, .failed] { try store.move(ids[0], to: state) }
      try store.close()
    }
    try changeDatabase(in: folder.url, "UPDATE jobs SET \(change) WHERE id = ?", [ids[0]])
    #expect(try StoreCheck(folder.url).open.map(\.id) == [ids[0]])
    let another: String
    do {
      let store = try Store(at: folder.url)
      another = try store.submit(Specs.parsed(Specs.smallest)).id
      try store.close()
    }
    #expect(try StoreCheck(folder.url, repair: true).open.isEmpty)
    #expect(try StoreCheck(folder.url).isWhole)
    let store = try Store(at: folder.url)
    #expect(Set(try store.jobs().elements.map(\.job.id)) == Set(ids + [another]))
    try store.submit(Specs.parsed(Specs.smallest))
  }

  @Test("a job whose reserved numbers end before its last event goes on with the next one")
  func reservationTooLow() throws {
    let folder = try TestFolder()
    let id: String
    do {
      let store = try Store(at: folder.url)
      id = try store.submit(Specs.parsed(Specs.smallest)).id
      try store.move(id, to: .running)
      try store.close()
    }
    try changeDatabase(in: folder.url, "UPDATE jobs SET events_reserved = 0")
    let store = try Store(at: folder.url)
    try store.move(id, to: .failed)
    let numbers = try store.events(of: id).elements.map(\.number)
    #expect(numbers == Array(Set(numbers)).sorted())
    #expect(try store.job(id).state == .failed)
  }

  @Test("a state that is no file is told and set aside", arguments: ["resume.b.state", "evaluation.state"])
  func stateThatIsNoFile(_ name: String) throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let state = store.directory.job(id).appendingPathComponent(name)
    try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
    try store.close()
    #expect(try StoreCheck(folder.url).open.map(\.kind) == [.state])
    #expect(try StoreCheck(folder.url, repair: true).open.isEmpty)
    #expect(try StoreCheck(folder.url).isWhole)
  }

  @Test("where the record of a job is moved away, its files and its folder stay where they are, and the service starts beside them")
  func badRowOfTheOnlyJob() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    try Folder.make(store.directory.job(id))
    let file = try store.directory.files.write { try $0.append(Data("weights".utf8)) }
    try store.note(.made(.last, sha256: file.sha256), of: id)
    try store.close()
    try changeDatabase(in: folder.url, "UPDATE jobs SET state = 'confused'")
    let repair = try StoreCheck(folder.url, repair: true)
    // Its transition, and the event and the record of the checkpoint.
    #expect(repair.open.first { $0.kind == .lost }?.detail.contains("records of the job") == true)
    let again = try Store(at: folder.url)
    #expect(try again.jobs().elements.isEmpty)
    #expect(try Data(contentsOf: again.directory.files.url(of: file.sha256)) == Data("weights".utf8))
    #expect(FileManager.default.fileExists(atPath: again.directory.job(id).path))
    #expect(try StoreCheckTests.texts(folder).contains { $0.contains(id) && $0.contains(file.sha256) })
  }

  /// What was moved into lost+found as text.
  private static func texts(_ folder: TestFolder) throws -> [String] {
    let lost = folder.url.appendingPathComponent("lost+found")
    return try Folder.names(in: lost).filter { $0.hasPrefix("new-") }.map {
      try String(contentsOf: lost.appendingPathComponent($0), encoding: .utf8)
    }
  }

  @Test("the check says what it did about a damaged file, and calls it known from then on")
  func damagedFile() throws {
    let folder = try TestFolder()
    let id: String
    do {
      let store = try Store(at: folder.url)
      id = try store.submit(Specs.parsed(Specs.smallest)).id
      let file = try store.directory.files.write { try $0.append(Data("weights".utf8)) }
      try store.note(.made(.last, sha256: file.sha256), of: id)
      try Data("wreckage".utf8).write(to: store.directory.files.url(of: file.sha256))
      try store.close()
    }
    let found = try StoreCheck(folder.url)
    #expect(found.open.map(\.kind) == [.file])
    #expect(found.findings.map(\.mended) == [nil])
    let repair = try StoreCheck(folder.url, repair: true)
    #expect(repair.open.isEmpty)
    #expect(repair.findings.first?.mended?.contains("lost+found") == true)
    let again = try StoreCheck(folder.url)
    #expect(again.findings.map(\.isKnown) == [true])
    #expect(again.open.isEmpty)
    #expect(!again.isWhole)
  }

  @Test("a file that is missing is not said to be moved")
  func missingFile() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let id = try store.submit(Specs.parsed(Specs.smallest)).id
    let file = try store.directory.files.write { try $0.append(Data("weights".utf8)) }
    try store.note(.made(.last, sha256: file.sha256), of: id)
    try FileManager.default.removeItem(at: store.directory.files.url(of: file.sha256))
    try store.close()
    let repair = try StoreCheck(folder.url, repair: true)
    #expect(repair.findings.map(\.mended) == ["noted as damaged"])
  }

  @Test("what is no file of Temper's is told and stays where it is", arguments: ["ab/stray", "notes.txt"])
  func strayFile(_ path: String) throws {
    let folder = try TestFolder()
    try Store(at: folder.url).close()
    let url = folder.url.appendingPathComponent("files/\(path)")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: url)
    let repair = try StoreCheck(folder.url, repair: true)
    #expect(repair.findings.map(\.id) == ["files/\(path)"] && repair.findings.map(\.kind) == [.unnamed])
    #expect(repair.open.isEmpty)
    #expect(try Data(contentsOf: url) == Data("mine".utf8))
  }

  @Test("a file that no record names is told and is no damage")
  func unnamedFile() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    _ = try store.directory.files.write { try $0.append(Data("nobody's".utf8)) }
    try store.close()
    let check = try StoreCheck(folder.url)
    #expect(check.findings.map(\.kind) == [.unnamed])
    #expect(check.open.isEmpty)
  }

  @Test("a damaged database is refused in words, and what can be read of it is saved")
  func damagedDatabase() throws {
    let folder = try TestFolder()
    let database = folder.url.appendingPathComponent("temper.sqlite")
    do {
      let store = try Store(at: folder.url)
      for number in 0..<60 {
        try store.submit(Specs.parsed(Specs.smallest.setting("/name", to: .string("job \(number)"))))
      }
      try store.close()
    }
    var bytes = try Data(contentsOf: database)
    // The inner pages of some table: headers of pages that say nonsense.
    for page in stride(from: bytes.count / 4096 / 2, to: bytes.count / 4096, by: 3) {
      bytes.replaceSubrange(page * 4096..<page * 4096 + 64, with: Data(repeating: 0xFF, count: 64))
    }
    try bytes.write(to: database)
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: folder.url) }
    #expect(error.description.contains("is damaged"))
    #expect(error.description.contains("temper fsck"))
    let check = try StoreCheck(folder.url)
    #expect(check.findings.contains { $0.kind == .database })
    _ = try StoreCheck(folder.url, repair: true)
    let store = try Store(at: folder.url)
    #expect(try store.jobs().elements.count <= 60)
    #expect(Folder.names(in: folder.url.appendingPathComponent("lost+found")).contains { $0.hasPrefix("temper.sqlite.") })
  }
}
