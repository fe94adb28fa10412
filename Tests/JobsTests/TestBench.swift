import Foundation
import GRDB
import JSON
import Jobs
import TensorEngine

/// A temporary folder that is removed with this value.
final class TestFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("temper-jobs-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

/// Changes the database of a data folder by SQL, as no service would.
func changeDatabase(in folder: URL, _ sql: String, _ arguments: StatementArguments = StatementArguments()) throws {
  let database = try DatabaseQueue(path: folder.appendingPathComponent("temper.sqlite").path)
  try database.write { db in try db.execute(sql: sql, arguments: arguments) }
  try database.close()
}

/// Another process's lock on the database of a data folder, as a shell of SQLite's takes it.
final class ForeignLock {
  private let database: DatabaseQueue

  init(in folder: URL, _ kind: String = "IMMEDIATE") throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    configuration.busyMode = .timeout(10)
    database = try DatabaseQueue(path: folder.appendingPathComponent("temper.sqlite").path, configuration: configuration)
    try database.inDatabase { db in try db.execute(sql: "BEGIN \(kind)") }
  }

  func giveUp() throws {
    try database.inDatabase { db in try db.execute(sql: "ROLLBACK") }
    try database.close()
  }
}

enum Specs {
  /// The smallest valid spec.
  static let smallest: JSONValue = [
    "dataset": ["id": "digits"], "model": ["architecture": "linear"], "threat": ["norm": "linf", "epsilon": 0.1],
  ]

  /// A real job that takes a fraction of a second.
  static let quick: JSONValue = [
    "dataset": ["id": "digits", "limit": 200], "model": ["architecture": "linear"], "threat": ["norm": "linf", "epsilon": 0.1],
    "training": ["base_epochs": 1, "epochs": 1, "batch_size": 64, "attack": ["steps": 2], "optimizer": ["name": "sgd"]],
    "evaluation": ["attacks": [["name": "pgd", "steps": 3]], "samples": 50, "curve": []],
  ]

  /// A job that goes on until it is told to stop.
  static let long = quick.setting("/training/epochs", to: 100_000)

  static func parsed(_ document: JSONValue) throws -> JobSpec { try JobSpec(reading: document) }
}

/// Waits until a condition holds. Returns whether it did within `seconds`.
func eventually(within seconds: Double = 20, _ condition: () throws -> Bool) async throws -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  while ContinuousClock.now < end {
    if try condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return try condition()
}
