import Files
import Foundation
import GRDB
import Jobs
import JSON
import Testing

@Suite("The log of the database") struct WriteAheadLogTests {
  @Test("each commit is synced: the writer's log is synced in full, whatever the library that opens it sets")
  func synchronous() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    #expect(try store.synchronousLevel() == 2)
  }

  @Test("the log is emptied when the store is closed")
  func log() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    try store.submit(Specs.parsed(Specs.smallest))
    #expect(store.load.logBytes > 0)
    try store.close()
    let left = (try? Data(contentsOf: folder.url.appendingPathComponent("temper.sqlite-wal")))?.count ?? 0
    #expect(left == 0)
  }

  @Test("the frame that a killed process was writing is no damage of the log: its change was told to nobody")
  func tornFrame() throws {
    let folder = try TestFolder()
    let copy = try TestFolder()
    let store = try Store(at: folder.url)
    for _ in 0..<3 { try store.submit(Specs.parsed(Specs.smallest)) }
    for name in ["temper.sqlite", "temper.sqlite-wal"] {
      try FileManager.default.copyItem(at: folder.url.appendingPathComponent(name), to: copy.url.appendingPathComponent(name))
    }
    let url = copy.url.appendingPathComponent("temper.sqlite-wal")
    let whole = try #require(WriteAheadLog(url))
    // The header of the last frame was written over what an earlier log left, the page not yet.
    var bytes = try Data(contentsOf: url)
    bytes.replaceSubrange((bytes.count - 4_096)..., with: Data(count: 4_096))
    try bytes.write(to: url)
    let log = try #require(WriteAheadLog(url))
    #expect(log.wholeFrames == whole.wholeFrames - 1 && log.wholeCommits == whole.wholeCommits - 1)
    #expect(log.lostFrames == 0 && log.lostCommits == 0)
    let next = try Store(at: copy.url)
    #expect(try next.jobs().elements.count == 2)
    try next.close()
    #expect(Folder.names(in: copy.url.appendingPathComponent("lost+found")).isEmpty)
    #expect(try StoreCheck(copy.url).isWhole)
  }

  @Test("a flipped bit in the log is noticed: the log is kept, and it is told how much is lost", arguments: [0, 3])
  func flippedLog(_ commit: Int) throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("temper.sqlite-wal")
    let copy = try TestFolder()
    var ends: [Int] = []
    do {
      let store = try Store(at: folder.url)
      for _ in 0..<6 {
        try store.submit(Specs.parsed(Specs.smallest))
        ends.append(try Data(contentsOf: url).count)
      }
      // As after a kill: nothing was closed.
      for name in ["temper.sqlite", "temper.sqlite-wal"] {
        try FileManager.default.copyItem(at: folder.url.appendingPathComponent(name), to: copy.url.appendingPathComponent(name))
      }
    }
    let broken = copy.url.appendingPathComponent("temper.sqlite-wal")
    let whole = try #require(WriteAheadLog(broken))
    #expect(whole.lostFrames == 0 && whole.wholeFrames > 0)
    var bytes = try Data(contentsOf: broken)
    bytes[ends[commit] - 100] ^= 1
    try bytes.write(to: broken)
    let log = try #require(WriteAheadLog(broken))
    #expect(log.wholeFrames < whole.wholeFrames)
    #expect(log.lostCommits == 6 - commit)
    let store = try Store(at: copy.url)
    #expect(try store.jobs().elements.count == commit)
    let kept = Folder.names(in: copy.url.appendingPathComponent("lost+found"))
    #expect(kept.contains { $0.hasPrefix("temper.sqlite-wal") })
  }

  @Test("a flipped bit in a log whose pages are in the database already costs nothing: the log is set aside", arguments: [false, true])
  func flippedCheckpointedLog(_ isChecked: Bool) throws {
    let (folder, copy) = (try TestFolder(), try TestFolder())
    let store = try Store(at: folder.url)
    let names = ["temper.sqlite", "temper.sqlite-wal"]
    for _ in 0..<25 { try store.submit(Specs.parsed(Specs.smallest)) }
    // SQLite does so by itself every thousand pages; the log stays as long as it is until the next commit.
    let other = try DatabaseQueue(path: folder.url.appendingPathComponent(names[0]).path)
    try other.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
    for name in names + ["files", "jobs", "incoming"] {
      try FileManager.default.copyItem(at: folder.url.appendingPathComponent(name), to: copy.url.appendingPathComponent(name))
    }
    try other.close()
    try store.close()
    let log = copy.url.appendingPathComponent(names[1])
    var bytes = try Data(contentsOf: log)
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: log)
    if isChecked {
      let check = try StoreCheck(copy.url)
      #expect(check.findings.map(\.kind) == [.log])
      #expect(check.open.isEmpty)
    }
    let next = try Store(at: copy.url)
    #expect(try next.jobs(limit: 100).elements.count == 25)
    try next.close()
    #expect(Folder.names(in: copy.url.appendingPathComponent("lost+found")).contains { $0.hasPrefix(names[1]) })
    #expect(try StoreCheck(copy.url).isWhole)
  }
}
