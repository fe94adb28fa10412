import Files
import Foundation
import Testing

import Jobs

@Suite("The heartbeat of a data folder") struct HeartbeatTests {
  private func machine(_ boot: String) -> Heartbeat.Machine { Heartbeat.Machine(boot: boot, host: "host-\(boot)", interval: 0.1) }

  /// A lock that another machine does not see: the folder has another one for it.
  private func replaceLock(in folder: URL) throws {
    let lock = folder.appendingPathComponent("lock")
    try FileManager.default.removeItem(at: lock)
    try Data().write(to: lock)
  }

  @Test("a second machine is refused in words while the first one's heartbeat goes on, where the lock tells it nothing")
  func secondMachine() throws {
    let folder = try TestFolder()
    let first = try DataDirectory(folder.url, machine: machine("a"))
    try replaceLock(in: folder.url)
    let error = #expect(throws: DataDirectoryError.self) { try DataDirectory(folder.url, machine: machine("b")) }
    #expect(error?.description.contains("the machine host-a") == true)
    withExtendedLifetime(first) {}
  }

  @Test("a heartbeat that has stopped lets another machine in, and the one whose folder was taken writes no more")
  func stopped() async throws {
    let folder = try TestFolder()
    var first: DataDirectory? = try DataDirectory(folder.url, machine: machine("a"))
    first = nil
    #expect(first == nil)
    // As a machine that was cut off left it.
    let beat = folder.url.appendingPathComponent(Heartbeat.name)
    let left = try String(contentsOf: beat, encoding: .utf8)
    #expect(left.contains("\"ended\":false"))
    var told: [String] = []
    let second = try Store(DataDirectory(folder.url, machine: machine("b"), notice: { told.append($0) }))
    // It says why it waits, and whose heartbeat it is.
    #expect(told.count == 1 && told[0].contains("the machine host-a") && told[0].contains("0.25 seconds"), "\(told)")
    #expect(try second.counts().isEmpty)
    // A third one takes the folder by force, as if the second had been silent for long.
    try Data(left.utf8).write(to: beat)
    #expect(try await eventually { (try? second.requireWritable()) == nil })
    let error = #expect(throws: StorageError.self) { try second.requireWritable() }
    #expect(error?.description == "a service on another machine has taken the data directory")
  }

  @Test("one that has ended in order lets another in at once")
  func ended() throws {
    let folder = try TestFolder()
    let slow = Heartbeat.Machine(boot: "a", host: "a", interval: 60)
    try Store(DataDirectory(folder.url, machine: slow)).close()
    let store = try Store(DataDirectory(folder.url, machine: Heartbeat.Machine(boot: "b", host: "b", interval: 60)))
    #expect(try store.counts().isEmpty)
  }
}
