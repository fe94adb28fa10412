import Files
import Foundation
import GRDB
import JSON
import TensorEngine
import Testing

import Jobs

/// Data folders as earlier versions left them: `Fixtures/schemas/N.sql` is the dump of a database after the Nth migration.
@Suite("Folders of earlier versions") struct SchemaFixturesTests {
  private static let ids = (
    succeeded: "job_01kb1c00000000000000000001", queued: "job_01kb1c00000000000000000002", running: "job_01kb1c00000000000000000003",
    model: "mdl_01kb1c00000000000000000001"
  )

  /// Makes the folder of a version, with the files where that version had them.
  private func make(_ version: Int, in folder: URL) throws {
    let fixture = try #require(Bundle.module.url(forResource: "\(version)", withExtension: "sql", subdirectory: "Fixtures/schemas"))
    var configuration = Configuration()
    // A dump has its tables in the order of their names.
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: folder.appendingPathComponent("temper.sqlite").path, configuration: configuration)
    let text = try String(contentsOf: fixture, encoding: .utf8)
    try queue.write { db in try db.execute(sql: text) }
    try queue.close()
    let job = "jobs/\(Self.ids.succeeded)"
    let places =
      version < 3
      ? [
        "models/\(Self.ids.model).safetensors": "model", "\(job)/report.json": "report",
        "\(job)/checkpoints/last.safetensors": "checkpoint",
      ]
      : ["model", "report", "checkpoint"].reduce(into: [:]) { places, content in
        let sha256 = SHA256Digest.hex(of: Data(content.utf8))
        places["files/\(sha256.prefix(2))/\(sha256)"] = content
      }
    for (path, content) in places {
      let url = folder.appendingPathComponent(path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: url)
    }
    for name in ["jobs", "incoming", "files"] where version >= 3 || name == "jobs" {
      try FileManager.default.createDirectory(at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
  }

  @Test("a folder of each version is opened, migrated and used, and is whole afterwards", arguments: 1...8)
  func opened(_ version: Int) async throws {
    let folder = try TestFolder()
    try make(version, in: folder.url)
    let store = try Store(at: folder.url)
    let done = try store.job(Self.ids.succeeded)
    #expect(done.state == .succeeded && done.owner == "local" && done.labels == ["branch": "main"])
    #expect(try store.report(of: done.id) == Data("report".utf8))
    #expect(try store.openCheckpoint("last", of: done.id).file.size == 10)
    #expect(try Registry(store).openModel(Self.ids.model).file.size == 5)
    #expect(try store.metrics(of: done.id).points.count == 1)
    #expect(try store.quotaUse(of: "local").storedBytes == 21)
    if version >= 5 { #expect(try store.sweeps().elements.first?.rows.map(\.job) == [done.id]) }
    if version >= 6 { #expect(store.needsTokens) }
    // The job that ran goes on as a second attempt, the one that waited begins.
    let workers = Workers(store: store, registry: Registry(store), engine: Engine(threads: 2))
    try workers.start()
    workers.wakeUp(for: 2)
    for id in [Self.ids.queued, Self.ids.running] { #expect(try await eventually { try store.job(id).state == .succeeded }) }
    #expect(try store.job(Self.ids.running).attempt == 2)
    let fresh = try store.submit(Specs.parsed(Specs.smallest.setting("/after", to: .string(Self.ids.queued))))
    #expect(fresh.follows == Self.ids.queued && fresh.id > Self.ids.running)
    _ = try workers.cancel(fresh.id)
    #expect(workers.drain(within: 10))
    try store.close()
    let check = try StoreCheck(folder.url)
    #expect(check.open.isEmpty, "\(check.findings)")
    #expect(try autoVacuum(folder.url) == 2)
  }

  @Test("what an earlier version called clean and robust accuracy in a history is called of the validation part") func validationNames()
    throws
  {
    let folder = try TestFolder()
    try make(8, in: folder.url)
    let queue = try DatabaseQueue(path: folder.url.appendingPathComponent("temper.sqlite").path)
    let values = #"{"averaged_robust_accuracy":0.4,"clean_accuracy":0.5,"train_clean_accuracy":0.75}"#
    try queue.write { db in
      try db.execute(sql: "UPDATE jobs SET metrics = ? WHERE id = ?", arguments: [values, Self.ids.succeeded])
      try db.execute(
        sql: "UPDATE events SET kind = 'metric', data = ? WHERE job = ? AND number = 1",
        arguments: [#"{"epoch":1,"values":\#(values)}"#, Self.ids.succeeded])
    }
    try queue.close()
    let store = try Store(at: folder.url)
    let metrics = try store.job(Self.ids.succeeded).metrics
    #expect(metrics == ["validation_averaged_robust_accuracy": 0.4, "validation_clean_accuracy": 0.5, "train_clean_accuracy": 0.75])
    let event = try #require(store.events(of: Self.ids.succeeded, after: 0, limit: 1).elements.first)
    #expect(event.data["values"]?["validation_clean_accuracy"]?.double == 0.5 && event.data["values"]?["clean_accuracy"] == nil)
    try store.close()
  }

  private func autoVacuum(_ folder: URL) throws -> Int? {
    let queue = try DatabaseQueue(path: folder.appendingPathComponent("temper.sqlite").path)
    defer { try? queue.close() }
    return try queue.read { db in try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") }
  }
}
