import Files
import Foundation
import JSON
import Models
import Testing

import Jobs

@Suite("Quotas") struct QuotaTests {
  private func store(_ folder: TestFolder, _ set: (inout Quotas) -> Void) throws -> Store {
    var quotas = Quotas()
    set(&quotas)
    return try Store(DataDirectory(folder.url), quotas: quotas)
  }

  private func submit(_ store: Store, _ owner: String) throws -> String { try store.submit(Specs.parsed(Specs.smallest), owner: owner).id }

  @Test("a job beyond those that an owner may have waiting is refused with what is used and allowed, and others have their own count")
  func queued() throws {
    let folder = try TestFolder()
    let store = try store(folder) {
      $0.usual.queuedJobs = 2
      $0.owners["b"] = Quotas.Limits()
    }
    for _ in 0..<2 { _ = try submit(store, "a") }
    let refused = #expect(throws: QuotaExceeded.self) { try submit(store, "a") }
    #expect(refused == QuotaExceeded(.queuedJobs, of: "a", used: 2, allowed: 2))
    for _ in 0..<3 { _ = try submit(store, "b") }
    _ = try store.claim()
    #expect(try store.quotaUse(of: "a").runningJobs == 1)
    _ = try submit(store, "a")
    #expect(try store.counts()[.queued] == 5)
  }

  @Test("a sweep that goes beyond it makes no job at all")
  func sweep() throws {
    let folder = try TestFolder()
    let store = try store(folder) { $0.usual.queuedJobs = 3 }
    let document: JSONValue = ["spec": Specs.smallest, "vary": ["seed": [0, 1, 2, 3]]]
    let accepted = try SweepCheck(SpecCheck(Registry(store)), mostJobs: 64).accept(document, id: Identifier.sweep.make())
    let refused = #expect(throws: QuotaExceeded.self) {
      try store.submit(accepted, key: nil) { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    }
    #expect(refused == QuotaExceeded(.queuedJobs, of: "local", used: 0, allowed: 3, wanted: 4))
    #expect(refused.map { "\($0)".contains("may have 3 jobs waiting, so 4 at once can never be") } == true)
    #expect(try store.counts().isEmpty && store.sweeps().elements.isEmpty)
  }

  @Test("a paused job waits again only where there is room for it")
  func resumed() throws {
    let folder = try TestFolder()
    let store = try store(folder) { $0.usual.queuedJobs = 1 }
    let paused = try submit(store, "a")
    try store.move(paused, to: .paused)
    let other = try submit(store, "a")
    #expect(throws: QuotaExceeded(.queuedJobs, of: "a", used: 1, allowed: 1)) { try store.resume(paused) }
    #expect(try store.job(paused).state == .paused && store.quotaUse(of: "a").queuedJobs == 1)
    try store.move(other, to: .cancelled)
    #expect(try store.resume(paused).state == .queued)
  }

  @Test("an owner with as many running jobs as allowed waits, and others go before")
  func running() throws {
    let folder = try TestFolder()
    let store = try store(folder) { $0.usual.runningJobs = 1 }
    let (first, second) = (try submit(store, "a"), try submit(store, "a"))
    let other = try submit(store, "b")
    #expect(try store.claim()?.id == first)
    #expect(try store.claim()?.id == other)
    #expect(try store.claim() == nil)
    try store.settle(first, Store.Ending(.succeeded))
    #expect(try store.claim()?.id == second)
  }

  @Test("bytes count each file once; what would go beyond them is refused and leaves no file, and so is a job when they are used up")
  func storedBytes() throws {
    let folder = try TestFolder()
    let store = try store(folder) { $0.usual.storedBytes = 2_000 }
    let registry = Registry(store, viewer: Viewer(owner: "a"))
    func upload(_ count: Int, _ value: Float) throws {
      let file = try NewFile(store.directory.files.newURL())
      let header = Data("{\"w\":{\"dtype\":\"F32\",\"shape\":[\(count)],\"data_offsets\":[0,\(4 * count)]}}".utf8)
      try file.append(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header)
      try file.append([Float](repeating: value, count: count).withUnsafeBytes { Data($0) })
      _ = try registry.addModel(file, name: "m") { _ in StoredAnswer(status: 201, headers: [], body: Data()) }
    }
    try upload(300, 1)
    try upload(300, 1)
    let used = try store.quotaUse(of: "a").storedBytes
    #expect((1_200...1_400).contains(used))
    let refused = #expect(throws: QuotaExceeded.self) { try upload(300, 2) }
    #expect(refused?.kind == .storedBytes && refused?.allowed == 2_000)
    #expect(try store.quotaUse(of: "a").storedBytes == used && store.quotaUse(of: "b").storedBytes == 0)
    #expect(throws: Never.self) { try submit(store, "a") }
    try store.close()
    let again = try Store(at: folder.url)
    #expect(again.directory.files.all().count == 1)
    #expect(try again.quotaUse(of: "a").storedBytes == used)
    try again.close()
    let full = try self.store(folder) { $0.usual.storedBytes = used }
    #expect(throws: QuotaExceeded.self) { try submit(full, "a") }
    _ = try submit(full, "b")
  }
}
