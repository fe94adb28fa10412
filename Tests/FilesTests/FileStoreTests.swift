import Files
import Foundation
import Glibc
import Synchronization
import Testing

@Suite("Files named by their digest") struct FileStoreTests {
  private struct Bench {
    let folder: TestFolder
    let store: FileStore
    let told = Told()

    init() throws {
      folder = try TestFolder()
      for name in ["files", "incoming"] { try Folder.make(folder.url.appendingPathComponent(name)) }
      store = Self.store(folder, told)
    }

    static func store(_ folder: TestFolder, _ told: Told) -> FileStore {
      FileStore(
        folder.url.appendingPathComponent("files"), incoming: folder.url.appendingPathComponent("incoming"),
        lost: LostAndFound(folder.url.appendingPathComponent("lost+found")) { name, reason in told.add(name, reason) })
    }

    /// A new store on the same folder, as the next process opens it.
    var next: FileStore { Self.store(folder, told) }

    func put(_ text: String) throws -> String { try store.write { try $0.append(Data(text.utf8)) }.sha256 }
    func names(_ name: String) -> [String] { Folder.names(in: folder.url.appendingPathComponent(name)) }

    func change(_ sha256: String, _ body: (inout Data) -> Void) throws {
      let url = store.url(of: sha256)
      var data = try Data(contentsOf: url)
      body(&data)
      // Changes the file in place, so that the inode stays.
      let handle = try FileHandle(forUpdating: url)
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: data)
      try handle.close()
    }
  }

  private final class Told: Sendable {
    private let lines = Mutex<[(String, String)]>([])
    func add(_ name: String, _ reason: String) { lines.withLock { $0.append((name, reason)) } }
    var names: [String] { lines.withLock { $0.map(\.0) } }
  }

  @Test("what has no name of a file is told apart and left alone")
  func otherNames() throws {
    let bench = try Bench()
    let sha256 = try bench.put("mine")
    let folder = bench.folder.url.appendingPathComponent("files")
    let wrong = sha256.hasPrefix("ab") ? "cd" : "ab"
    for name in ["notes", wrong] { try Folder.make(folder.appendingPathComponent(name)) }
    for name in ["copy.bin", "\(wrong)/\(sha256)", "\(sha256.prefix(2))/stray", "zz"] {
      try Data().write(to: folder.appendingPathComponent(name))
    }
    let found = Set(bench.store.strangers())
    #expect(found == ["copy.bin", "notes", "\(wrong)/\(sha256)", "\(sha256.prefix(2))/stray", "zz"])
    #expect(bench.store.all() == [sha256])
  }

  @Test("a file lies under the SHA-256 of its content, and nothing is left of its making")
  func write() throws {
    let bench = try Bench()
    let sha256 = try bench.put("abc")
    #expect(sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(bench.names("files") == ["ba"])
    #expect(bench.names("files/ba") == [sha256])
    #expect(bench.names("incoming").isEmpty)
    #expect(try bench.store.open(sha256).size == 3)
    #expect(try bench.put("abc") == sha256)
    #expect(bench.store.all() == [sha256])
  }

  @Test("no path is made of what is no SHA-256", arguments: ["../victim", "../../victim", "ab/../../victim", "", "victim"])
  func foreignName(_ name: String) throws {
    let bench = try Bench()
    let victims = ["victim", "files/victim", "files/vi/victim"].map { bench.folder.url.appendingPathComponent($0) }
    try Folder.make(bench.folder.url.appendingPathComponent("files/vi"))
    for victim in victims { try Data("precious".utf8).write(to: victim) }
    #expect(throws: DamagedFile.self) { try bench.store.open(name) }
    #expect(throws: DamagedFile.self) { try bench.store.check(name) }
    #expect(throws: DamagedFile.self) { try bench.store.look(at: name) }
    #expect(bench.store.remove(name))
    try bench.store.setAside(name, because: "it is not known")
    for victim in victims { #expect(try Data(contentsOf: victim) == Data("precious".utf8)) }
    #expect(bench.names("lost+found").isEmpty)
  }

  @Test("a writer that fails leaves nothing")
  func failure() throws {
    let bench = try Bench()
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try bench.store.write { file in
        try file.append(Data("half".utf8))
        throw Stop()
      }
    }
    #expect(bench.names("files").isEmpty)
    #expect(bench.names("incoming").isEmpty)
  }

  @Test("a flipped bit, a cut and a missing file are found at the first use by a process, and the file is set aside", arguments: [0, 1, 2])
  func damage(_ kind: Int) throws {
    let bench = try Bench()
    let sha256 = try bench.put(String(repeating: "text ", count: 100))
    switch kind {
    case 0: try bench.change(sha256) { $0[100] ^= 0x10 }
    case 1: try bench.change(sha256) { $0.removeLast(100) }
    default: Folder.remove(bench.store.url(of: sha256))
    }
    let error = try #require(throws: DamagedFile.self) { try bench.next.open(sha256) }
    #expect(error.sha256 == sha256)
    #expect(bench.told.names == (kind == 2 ? [] : [sha256]))
    #expect(bench.store.all().isEmpty)
    // Writing the content again repairs the file.
    _ = try bench.put(String(repeating: "text ", count: 100))
    #expect(try bench.next.open(sha256).size == 500)
  }

  @Test("a file that changes under a process is found by its times, though it was whole before")
  func changeWhileOpen() throws {
    let bench = try Bench()
    let sha256 = try bench.put("abc")
    _ = try bench.store.open(sha256)
    try bench.change(sha256) { $0[0] = 0x7A }
    #expect(throws: DamagedFile.self) { try bench.store.open(sha256) }
  }

  @Test("a check reads a file whole, whatever is noted of it")
  func check() throws {
    let bench = try Bench()
    let sha256 = try bench.put("abc")
    var bytes = 0
    try bench.store.check(sha256) { bytes += $0 }
    #expect(bytes == 3)
    try bench.change(sha256) { $0[0] = 0x7A }
    #expect(throws: DamagedFile.self) { try bench.store.look(at: sha256) }
    #expect(bench.store.all() == [sha256])
    #expect(throws: DamagedFile.self) { try bench.store.check(sha256) }
    #expect(bench.store.all().isEmpty)
  }

  @Test("a file is not removed as long as somebody keeps it, and an open one can be read to its end")
  func removal() throws {
    let bench = try Bench()
    var kept: KeptFile? = try bench.store.write { try $0.append(Data("abc".utf8)) }
    let sha256 = try #require(kept?.sha256)
    #expect(!bench.store.remove(sha256))
    kept = nil
    let reader = try bench.store.open(sha256)
    #expect(bench.store.remove(sha256))
    #expect(bench.store.all().isEmpty)
    #expect(try reader.sha256() == sha256)
    #expect(throws: DamagedFile.self) { try bench.store.open(sha256) }
  }

  @Test("a file from elsewhere is taken over by its digest, and refused when it has another")
  func adoption() throws {
    let bench = try Bench()
    let url = bench.folder.url.appendingPathComponent("old.bin")
    try Data("abc".utf8).write(to: url)
    #expect(throws: DamagedFile.self) { try bench.store.adopt(url, sha256: String(repeating: "0", count: 64)) }
    let digest = SHA256Digest.hex(of: Data("abc".utf8))
    #expect(try bench.store.adopt(url, sha256: digest).bytes == 3)
    #expect(!FileManager.default.fileExists(atPath: url.path))
    #expect(try bench.next.open(digest).size == 3)
  }

  @Test("what has no name of a digest is passed over")
  func strangers() throws {
    let bench = try Bench()
    let url = bench.folder.url.appendingPathComponent("files/ab")
    try Folder.make(url)
    try Data().write(to: url.appendingPathComponent("abcdef"))
    #expect(bench.store.all().isEmpty)
    #expect(!FileStore.isDigest(String(repeating: "A", count: 64)))
  }
}

@Suite("Files that cannot be half there") struct AtomicFileTests {
  @Test("a name has its old content or all of the new one")
  func replace() throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("state")
    try AtomicFile.write(Data("old".utf8), to: url)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try AtomicFile.write(to: url) { file in
        try file.append(Data("half of the new".utf8))
        throw Stop()
      }
    }
    #expect(try Data(contentsOf: url) == Data("old".utf8))
    let written = try AtomicFile.write(Data("new".utf8), to: url)
    #expect(written.bytes == 3)
    #expect(written.sha256 == SHA256Digest.hex(of: Data("new".utf8)))
    #expect(Folder.names(in: folder.url) == ["state"])
  }

  @Test("what a killed process left under the temporary name is no hindrance")
  func leftover() throws {
    let folder = try TestFolder()
    try Data("half".utf8).write(to: folder.url.appendingPathComponent(".state.new"))
    try AtomicFile.write(Data("new".utf8), to: folder.url.appendingPathComponent("state"))
    #expect(Folder.names(in: folder.url) == ["state"])
  }

  @Test("a failing call is told with the errno that it had, and without a path")
  func failure() throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("absent/state")
    let error = try #require(throws: StorageError.self) { try AtomicFile.write(Data(), to: url) }
    #expect(error.code == ENOENT)
    #expect(!error.description.contains("/"))
    #expect(!error.isFull)
    #expect(StorageError("x", errno: ENOSPC).isFull && StorageError("x", errno: EDQUOT).isFull)
    for code in [EROFS, ESTALE, EACCES, EPERM, ENOTDIR] { #expect(StorageError("x", errno: code).mayPass) }
    #expect(StorageError("x", errno: EBUSY).isLock && StorageError("x", errno: EBUSY).mayPass)
    #expect(StorageError(saying: "all that there is to say", errno: ENOENT).description == "all that there is to say")
    #expect(StorageError("x", errno: EROFS).isRefusalOfDisk && !StorageError("x", errno: EACCES).isRefusalOfDisk)
    #expect(StorageError("x", errno: EMFILE).isShortage && !StorageError("x", errno: EIO).isShortage)
  }

  @Test("the room on a disk is what is free beyond the reserve")
  func room() throws {
    let folder = try TestFolder()
    let free = try #require(DiskSpace(folder.url, reserveBytes: 0).freeBytes)
    #expect(DiskSpace(folder.url, reserveBytes: 0).hasRoom())
    #expect(!DiskSpace(folder.url, reserveBytes: 0).hasRoom(for: 2 * free + (1 << 40)))
    let all = DiskSpace(folder.url, reserveBytes: .max)
    #expect(!all.hasRoom())
    let error = try #require(throws: StorageError.self) { try all.requireRoom() }
    #expect(error.isFull)
    #expect(DiskSpace(folder.url).reserveBytes <= 512 << 20)
  }

  @Test("what lies in lost and found for long enough goes")
  func clearing() throws {
    let folder = try TestFolder()
    let lost = LostAndFound(folder.url.appendingPathComponent("lost+found")) { _, _ in }
    for _ in 0..<2 {
      try Data().write(to: folder.url.appendingPathComponent("thing"))
      try lost.take(folder.url.appendingPathComponent("thing"), because: "nobody names it")
    }
    #expect(Folder.names(in: folder.url.appendingPathComponent("lost+found")).count == 2)
    #expect(lost.clear(olderThan: 3_600).isEmpty)
    #expect(lost.clear(olderThan: -1).count == 2)
    #expect(Folder.names(in: folder.url.appendingPathComponent("lost+found")).isEmpty)
  }
}
