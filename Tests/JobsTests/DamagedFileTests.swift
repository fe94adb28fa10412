import Files
import Foundation
import JSON
import Jobs
import Testing

@Suite("A file that is damaged, missing, or out of reach") struct DamagedFileTests {
  /// A store with a job that has a checkpoint.
  private struct Bench {
    let folder: TestFolder
    let store: Store
    let job: String
    let sha256: String
    var data: URL { folder.url.appendingPathComponent("data") }
    var file: URL { store.directory.files.url(of: sha256) }

    init() throws {
      folder = try TestFolder()
      store = try Store(at: folder.url.appendingPathComponent("data"))
      job = try store.submit(Specs.parsed(Specs.smallest)).id
      sha256 = try store.directory.files.write { try $0.append(Data("weights".utf8)) }.sha256
      try store.note(.made(.last, sha256: sha256), of: job)
    }

    func opened() throws -> Data {
      var data = Data()
      try store.openCheckpoint("last", of: job).file.forEachPiece { data.append(contentsOf: $0) }
      return data
    }
  }

  @Test(
    "while the folder of the files or the whole data directory is away nothing is called damaged, and nothing is stored",
    arguments: ["files", ""])
  func away(_ name: String) throws {
    let bench = try Bench()
    let place = name.isEmpty ? bench.data : bench.data.appendingPathComponent(name)
    let elsewhere = bench.folder.url.appendingPathComponent("elsewhere")
    try FileManager.default.moveItem(at: place, to: elsewhere)
    #expect(throws: StorageError.self) { try bench.opened() }
    #expect(throws: StorageError.self) { try bench.store.check(bench.sha256, of: bench.job) }
    #expect(throws: StorageError.self) { try bench.store.requireWritable() }
    #expect(throws: StorageError.self) { try bench.store.submit(Specs.parsed(Specs.smallest)) }
    #expect(throws: StorageError.self) { try bench.store.directory.files.write { try $0.append(Data("more".utf8)) } }
    #expect(!bench.store.directory.files.remove(bench.sha256))
    // As where a disk was mounted: an empty folder is left.
    if !name.isEmpty {
      try Folder.make(place)
      #expect(throws: StorageError.self) { try bench.opened() }
      #expect(throws: StorageError.self) { try bench.store.requireWritable() }
      try FileManager.default.removeItem(at: place)
    }
    try FileManager.default.moveItem(at: elsewhere, to: place)
    #expect(try bench.opened() == Data("weights".utf8))
    #expect(try bench.store.checkpoints(of: bench.job).map(\.isDamaged) == [false])
    try bench.store.requireWritable()
  }

  @Test("a start without the folder of the files is refused, and none is made")
  func startWithoutFiles() throws {
    let bench = try Bench()
    try bench.store.close()
    let files = bench.data.appendingPathComponent("files")
    let elsewhere = bench.folder.url.appendingPathComponent("elsewhere")
    try FileManager.default.moveItem(at: files, to: elsewhere)
    let error = try #require(throws: DataDirectoryError.self) { try Store(at: bench.data) }
    #expect(error.description.contains("the folder files is missing"))
    #expect(!FileManager.default.fileExists(atPath: files.path))
    try FileManager.default.moveItem(at: elsewhere, to: files)
    let next = try Store(at: bench.data)
    #expect(try next.openCheckpoint("last", of: bench.job).file.size == 7)
    try next.close()
  }

  @Test(
    "a missing file is called missing, a changed one damaged; both are whole again once their bytes are back", arguments: [true, false])
  func backAgain(_ isMissing: Bool) throws {
    let bench = try Bench()
    try Data("wreckage".utf8).write(to: bench.file)
    if isMissing { try FileManager.default.removeItem(at: bench.file) }
    for _ in 0..<2 {
      let error = try #require(throws: Damaged.self) { try bench.opened() }
      #expect(error.description.hasSuffix("is missing") == isMissing, "\(error)")
      #expect(error.description.contains(bench.sha256))
    }
    #expect(try bench.store.checkpoints(of: bench.job).map(\.isDamaged) == [true])
    try Data("weights".utf8).write(to: bench.file)
    #expect(try bench.opened() == Data("weights".utf8))
    #expect(try bench.store.checkpoints(of: bench.job).map(\.isDamaged) == [false])
  }

  @Test("the check of all files clears the mark of one that is whole again")
  func scrubbed() throws {
    let bench = try Bench()
    try FileManager.default.removeItem(at: bench.file)
    #expect(try !bench.store.check(bench.sha256, of: bench.job))
    try Data("weights".utf8).write(to: bench.file)
    #expect(try bench.store.check(bench.sha256, of: bench.job))
    #expect(try bench.store.checkpoints(of: bench.job).map(\.isDamaged) == [false])
  }

  @Test("fsck names a file that is whole again, and clears its mark", arguments: [false, true])
  func checked(_ repair: Bool) throws {
    let bench = try Bench()
    try FileManager.default.removeItem(at: bench.file)
    #expect(throws: Damaged.self) { try bench.opened() }
    try bench.store.close()
    try Data("weights".utf8).write(to: bench.file)
    let check = try StoreCheck(bench.data, repair: repair)
    #expect(check.findings.map(\.kind) == [.file])
    #expect(check.findings.first?.detail.contains(bench.sha256) == true)
    #expect(check.open.isEmpty)
    #expect(try StoreCheck(bench.data).isWhole)
  }
}
