import Files
import Foundation
import GRDB
import JSON
import Synchronization
import TensorEngine
import Testing

import Jobs

@Suite("Backups") struct BackupTests {
  /// Writes a backup of a store into a file.
  private func backUp(_ store: Store, to url: URL, without known: Set<String> = []) async throws -> BackupManifest {
    let snapshot = try store.backup(without: known)
    return try await write(snapshot, to: url)
  }

  private func write(_ snapshot: BackupSnapshot, to url: URL) async throws -> BackupManifest {
    let file = Mutex(try NewFile(url))
    try await snapshot.write { piece in try file.withLock { try $0.append(piece) } }
    file.withLock { $0.keep() }
    snapshot.end()
    return snapshot.manifest
  }

  private func upload(_ store: Store, _ content: String) throws -> (sha256: String, id: String) {
    let file = try store.directory.files.write { try $0.append(Data(content.utf8)) }
    let id = Identifier.model.make()
    try changeDatabase(
      in: store.directory.root,
      """
      INSERT INTO models (id, name, format, parameters, tensors, bytes, sha256, created_at) VALUES (?, 'm', 'safetensors', 1, '[]', ?, ?, 1)
      """, [id, file.bytes, file.sha256])
    return (file.sha256, id)
  }

  @Test("a backup is restored into an empty folder with every record and file, and an earlier one supplies what it leaves out")
  func roundTrip() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url.appendingPathComponent("data"))
    let first = try store.submit(Specs.parsed(Specs.smallest))
    let model = try upload(store, "first")
    let full = folder.url.appendingPathComponent("full.tar")
    let manifest = try await backUp(store, to: full)
    #expect(manifest.jobs == 1 && manifest.included.count == 2)
    let second = try store.submit(Specs.parsed(Specs.smallest))
    let later = try upload(store, "second")
    let increment = folder.url.appendingPathComponent("increment.tar")
    let further = try await backUp(store, to: increment, without: Set(manifest.files.map(\.sha256)))
    #expect(further.included.map(\.sha256).contains(later.sha256) && !further.included.map(\.sha256).contains(model.sha256))

    let restored = folder.url.appendingPathComponent("restored")
    let alone = #expect(throws: BackupError.self) { try Restoration(increment, to: restored) }
    #expect(alone?.description.contains("--since") == true)
    #expect(!FileManager.default.fileExists(atPath: restored.path))
    let result = try Restoration(increment, earlier: [full], to: restored)
    #expect(result.jobs == 2 && result.files == 3 && result.damaged.isEmpty)
    let copy = try Store(at: restored)
    #expect(try Set(copy.jobs().elements.map(\.job.id)) == [first.id, second.id])
    for sha256 in [model.sha256, later.sha256] { #expect(try copy.directory.files.open(sha256).size > 0) }
    try copy.close()
    #expect(try StoreCheck(restored).isWhole)
    let full2 = #expect(throws: BackupError.self) { try Restoration(full, to: restored) }
    #expect(full2?.description.contains("not empty") == true)
  }

  @Test("what is deleted while a backup is written is in it all the same, and goes when the backup is over")
  func deletionMeanwhile() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url.appendingPathComponent("data"))
    let model = try upload(store, "weights")
    let snapshot = try store.backup()
    try Registry(store).deleteModel(model.id)
    #expect(store.directory.files.all() == [model.sha256])
    let url = folder.url.appendingPathComponent("backup.tar")
    _ = try await write(snapshot, to: url)
    #expect(store.directory.files.all().isEmpty)
    _ = try Restoration(url, to: folder.url.appendingPathComponent("restored"))
    #expect(store.directory.root.appendingPathComponent("incoming").path.isEmpty == false)
    #expect(Folder.names(in: store.directory.root.appendingPathComponent("incoming")).isEmpty)
  }

  @Test("a damaged file is told apart and keeps no other from the backup; its resource is known to be damaged in the copy")
  func damage() async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url.appendingPathComponent("data"))
    let (whole, broken) = (try upload(store, "whole"), try upload(store, "broken"))
    try Data("other".utf8).write(to: store.directory.files.url(of: broken.sha256))
    let url = folder.url.appendingPathComponent("backup.tar")
    let manifest = try await backUp(store, to: url)
    #expect(manifest.damaged.map(\.id) == [broken.id])
    let restored = folder.url.appendingPathComponent("restored")
    #expect(try Restoration(url, to: restored).damaged.map(\.id) == [broken.id])
    let copy = try Store(at: restored)
    #expect(throws: Damaged.self) { try Registry(copy).model(broken.id) }
    #expect(try Registry(copy).model(whole.id).sha256 == whole.sha256)
  }

  @Test("the manifest is taken out of an archive that goes by in pieces of any size", arguments: [1, 511, 512, 1_000, 1 << 20])
  func passing(_ count: Int) async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url.appendingPathComponent("data"))
    _ = try upload(store, "weights")
    let url = folder.url.appendingPathComponent("backup.tar")
    let manifest = try await backUp(store, to: url)
    func passed(_ bytes: [UInt8]) -> BackupManifest? {
      var passing = PassingManifest()
      for start in stride(from: 0, to: bytes.count, by: count) { passing.take(Array(bytes[start..<min(start + count, bytes.count)])) }
      return passing.manifest
    }
    // Its end says nothing more.
    let bytes = [UInt8](try Data(contentsOf: url).prefix(20_000))
    #expect(passed(bytes) == manifest)
    #expect(passed(Array(bytes.prefix(600))) == nil)
    #expect(passed([UInt8](repeating: 7, count: 5_000)) == nil)
  }

  /// What may happen to an archive on its way.
  enum Harm: String, CaseIterable {
    case cutInTheMiddle, cutAtTheEnd, flippedBit, otherFile
  }

  @Test("an archive that was cut or changed is refused and leaves nothing behind", arguments: Harm.allCases)
  func harm(_ harm: Harm) async throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url.appendingPathComponent("data"))
    let model = try upload(store, String(repeating: "weights", count: 1_000))
    let url = folder.url.appendingPathComponent("backup.tar")
    _ = try await backUp(store, to: url)
    var bytes = try Data(contentsOf: url)
    switch harm {
    case .cutInTheMiddle: bytes = bytes.prefix(bytes.count / 2)
    case .cutAtTheEnd: bytes = bytes.prefix(bytes.count - 1_024)
    case .flippedBit:
      let place = try #require(bytes.range(of: Data("weightsweights".utf8))).lowerBound
      bytes[place] ^= 1
    case .otherFile: bytes = Data("no archive at all".utf8)
    }
    try bytes.write(to: url)
    let restored = folder.url.appendingPathComponent("restored")
    #expect(throws: BackupError.self) { try Restoration(url, to: restored) }
    #expect(throws: BackupError.self) { try BackupArchive(url).verify() }
    #expect(!FileManager.default.fileExists(atPath: restored.path), "\(model.id)")
  }

  @Test("a job that ran while the backup was made goes on in the copy to the same bytes")
  func runningJob() async throws {
    let folder = try TestFolder()
    let engine = Engine(threads: 2)
    let store = try Store(at: folder.url.appendingPathComponent("data"))
    let spec = Specs.quick.setting("/training/epochs", to: 60)
    let workers = Workers(store: store, registry: Registry(store), engine: engine)
    try workers.start()
    let id = try store.submit(Specs.parsed(spec)).id
    workers.wakeUp()
    #expect(try await eventually { try store.job(id).progress.savedStep != nil })
    let url = folder.url.appendingPathComponent("backup.tar")
    let manifest = try await backUp(store, to: url)
    #expect(manifest.files.contains { $0.path.hasPrefix("jobs/\(id)/") })
    let restored = folder.url.appendingPathComponent("restored")
    _ = try Restoration(url, to: restored)
    #expect(try await eventually { try store.job(id).state == .succeeded })
    let copy = try Store(at: restored)
    let others = Workers(store: copy, registry: Registry(copy), engine: engine)
    try others.start()
    others.wakeUp()
    #expect(try await eventually { try copy.job(id).state == .succeeded })
    #expect(try copy.job(id).attempt == 2)
    #expect(try copy.job(id).warnings == store.job(id).warnings)
    let digests = try [store, copy].map { try $0.checkpoints(of: id).map(\.sha256) }
    #expect(digests[0] == digests[1] && !digests[0].isEmpty)
    #expect(workers.drain(within: 10) && others.drain(within: 10))
  }
}
