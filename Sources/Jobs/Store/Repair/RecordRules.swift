import Datasets
import Files
import Foundation
import GRDB
import JSON
import Robustness
import Training

/// What the rows of a table must be for Temper to understand them.
struct RecordRules: Sendable {
  let table: String
  /// The columns of its primary key.
  let key: [String]
  /// Whether its rows are of things that files belong to.
  var namesFiles: Bool { ["jobs", "datasets", "models", "checkpoints"].contains(table) }

  /// The faults of a row whose values have the types of their columns; the database is `nil` for a row that is in none.
  private let faults: @Sendable (RecordReader, Database?) throws -> Void

  /// Transitions before jobs: where a transition is set aside, its job can be read again.
  static let all = [
    RecordRules(table: "transitions", key: ["job", "number"]) { row, _ in
      row.require("job", Identifier.job.matches)
      row.require("number", in: 1...most)
      row.require("state") { JobState(rawValue: $0) != nil }
      row.require("at", in: times)
    },
    RecordRules(table: "jobs", key: ["id"]) { row, db in try checkJob(row, db) },
    RecordRules(table: "datasets", key: ["id"]) { row, _ in
      row.require("id", Identifier.dataset.matches)
      row.require("format") { DatasetFormat(rawValue: $0) != nil }
      row.require("file", FileStore.isDigest)
      row.require("created_at", in: times)
      row.require("summary") { (try? JSONValue(parsing: $0).decoded(as: DatasetSummary.self)) != nil }
    },
    RecordRules(table: "models", key: ["id"]) { row, _ in
      row.require("id", Identifier.model.matches)
      row.require("sha256", FileStore.isDigest)
      row.require("bytes", in: 0...most)
      row.require("parameters", in: 0...most)
      row.require("tensors", isJSON)
      row.require("created_at", in: times)
    },
    RecordRules(table: "checkpoints", key: ["id"]) { row, _ in
      row.require("id", Identifier.checkpoint.matches)
      row.require("job", Identifier.job.matches)
      row.require("role") { CheckpointRole(rawValue: $0) != nil }
      row.require("sha256", FileStore.isDigest)
      let checkpoint = row.text("checkpoint").flatMap { try? JSONValue(parsing: $0).decoded(as: Checkpoint.self) }
      row.require("checkpoint") { _ in checkpoint != nil && checkpoint?.sha256 == row.text("sha256") }
      row.require("created_at", in: times)
    },
    RecordRules(table: "events", key: ["job", "number"]) { row, _ in
      row.require("job", Identifier.job.matches)
      row.require("number", in: 1...most)
      row.require("kind") { JobEvent.Kind(rawValue: $0) != nil }
      row.require("at", in: times)
      row.require("data", isJSON)
    },
    RecordRules(table: "metrics", key: ["job", "epoch"]) { row, _ in
      row.require("job", Identifier.job.matches)
      row.require("epoch", in: 0...most)
      row.require("step", in: 0...most)
      row.require("phase") { TrainingPhase(rawValue: $0) != nil }
      row.require("at", in: times)
      row.require("metrics") { (try? JSONValue(parsing: $0).decoded(as: TrainingMetrics.self)) != nil }
    },
    RecordRules(table: "idempotency", key: ["owner", "key", "route"]) { row, _ in
      row.require("status", in: 100...599)
      row.require("headers") { text in
        (try? JSONValue(parsing: text).decoded(as: [[String]].self))?.allSatisfy { $0.count == 2 } ?? false
      }
      row.require("created_at", in: times)
    },
    RecordRules(table: "uses", key: ["job", "resource"]) { row, _ in
      row.require("job", Identifier.job.matches)
      row.require("resource") { !$0.isEmpty && !$0.contains("/") }
    },
    RecordRules(table: "attempts", key: ["job", "number"]) { row, _ in
      row.require("job", Identifier.job.matches)
      row.require("number", in: 1...most)
      row.require("started_at", in: times)
    },
    RecordRules(table: "damaged", key: ["sha256"]) { row, _ in
      row.require("sha256", FileStore.isDigest)
      row.require("found_at", in: times)
    },
    RecordRules(table: "released", key: ["sha256", "job"]) { row, _ in
      row.require("sha256", FileStore.isDigest)
      row.require("job") { id in Identifier.allCases.contains { $0.matches(id) } }
    },
    RecordRules(table: "sweeps", key: ["id"]) { row, _ in
      row.require("id", Identifier.sweep.matches)
      row.require("owner") { !$0.isEmpty }
      for name in ["labels", "spec", "vary"] { row.require(name, isJSON) }
      row.require("mode") { SweepSpec.Mode(rawValue: $0) != nil }
      row.require("best") { (try? JSONValue(parsing: $0)).flatMap(BestRule.init) != nil }
      row.require("created_at", in: times)
    },
    RecordRules(table: "sweep_jobs", key: ["sweep", "number"]) { row, _ in
      row.require("sweep", Identifier.sweep.matches)
      row.require("number", in: 0...most)
      row.require("job", Identifier.job.matches)
      row.require("varied", isJSON)
      row.require("result") { (try? JSONValue(parsing: $0).decoded(as: ReportFigures.self)) != nil }
    },
    RecordRules(table: "files", key: ["sha256"]) { row, _ in
      row.require("sha256", FileStore.isDigest)
      row.require("bytes", in: 0...most)
    },
    RecordRules(table: "turns", key: ["owner"]) { row, _ in
      row.require("owner") { !$0.isEmpty }
      row.require("number", in: 0...most)
    },
    RecordRules(table: "settings", key: ["name"]) { row, _ in
      let name = row.text("name")
      row.require("name") { [Store.pauseSetting, Store.lostTokens].contains($0) }
      row.require("value") { name == Store.lostTokens ? $0 == Store.lostTokensValue : Store.Pause(rawValue: $0) != nil }
    },
    RecordRules(table: "schedules", key: ["id"]) { row, _ in
      row.require("id", Identifier.schedule.matches)
      row.require("owner") { !$0.isEmpty }
      for name in ["labels", "spec"] { row.require(name, isJSON) }
      row.require("cron") { (try? CronLine($0)) != nil }
      for name in ["created_at", "made_until"] { row.require(name, in: times) }
    },
    RecordRules(table: "schedule_runs", key: ["schedule", "due_at"]) { row, _ in
      row.require("schedule", Identifier.schedule.matches)
      row.require("job", Identifier.job.matches)
      row.require("verdict") { Verdict(rawValue: $0) != nil }
      row.require("turned", in: 0...1)
      for name in ["due_at", "made_at"] { row.require(name, in: times) }
    },
    RecordRules(table: "event_order", key: ["position"]) { row, _ in
      row.require("position", in: 1...most)
      row.require("job", Identifier.job.matches)
      row.require("number", in: 1...most)
    },
    RecordRules(table: "tokens", key: ["id"]) { row, _ in
      row.require("id", Identifier.token.matches)
      row.require("owner", Token.isOwner)
      row.require("role") { Role(rawValue: $0) != nil }
      row.require("sha256", FileStore.isDigest)
      row.require("created_at", in: times)
      row.require("expires_at", in: times)
    },
    RecordRules(table: "webhooks", key: ["id"]) { row, _ in
      row.require("id", Identifier.webhook.matches)
      row.require("owner") { !$0.isEmpty }
      for name in ["triggers", "labels"] { row.require(name, isJSON) }
      row.require("created_at", in: times)
    },
    RecordRules(table: "deliveries", key: ["id"]) { row, _ in
      row.require("id", Identifier.delivery.matches)
      row.require("webhook", Identifier.webhook.matches)
      row.require("trigger") { Webhook.Trigger(rawValue: $0) != nil }
      row.require("state") { WebhookDelivery.State(rawValue: $0) != nil }
      row.require("attempts", in: 0...most)
      row.require("status", in: 100...999)
      row.require("body", isJSON)
      for name in ["next_at", "created_at"] { row.require(name, in: times) }
    },
  ]

  /// Its counters are checked apart, as `JobCounter`.
  private static func checkJob(_ row: RecordReader, _ db: Database?) throws {
    row.require("id", Identifier.job.matches)
    row.require("owner") { !$0.isEmpty }
    row.require("state") { JobState(rawValue: $0) != nil }
    row.require("spec", isJSON)
    for name in ["attempt", "revision"] { row.require(name, in: 1...most) }
    for name in ["crashes", "peak_bytes", "saved_step", "saved_position", "work"] { row.require(name, in: 0...most) }
    row.require("ran_ms", in: times)
    row.require("priority", in: -1_000...1_000)
    row.require("ordered_stop", in: 0...1)
    for name in ["created_at", "started_at", "finished_at"] { row.require(name, in: times) }
    row.require("report", FileStore.isDigest)
    row.require("evidence", FileStore.isDigest)
    row.require("generated", Identifier.dataset.matches)
    row.require("resumed_from", Identifier.job.matches)
    row.require("extended_from", Identifier.job.matches)
    row.require("follows", Identifier.job.matches)
    row.require("result") { (try? JSONValue(parsing: $0).decoded(as: ReportFigures.self)) != nil }
    guard row.faults.isEmpty, let id = row.text("id") else { return }
    row.require("progress") { (try? JSONValue(parsing: $0)) != nil }
    guard let db else { return }
    do { _ = try Store.job(id, db) } catch is Damaged { row.add("its values do not make a job") }
  }

  /// What JSON numbers hold exactly, and more than anything is counted to.
  private static let most: Int64 = 1 << 53
  /// Milliseconds since 1970, to the year 9999.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799_999

  private static func isJSON(_ text: String) -> Bool { (try? JSONValue(parsing: text)) != nil }

  /// Whether a row can be one of the table, as far as its values tell.
  func allow(_ row: Row, _ columns: [RecordReader.Column]) throws -> Bool {
    let reader = RecordReader(row, columns)
    if reader.faults.isEmpty { try faults(reader, nil) }
    return reader.faults.isEmpty
  }

  /// What is wrong with each row that Temper would not understand.
  func check(_ db: Database) throws -> (count: Int, damaged: [(row: Row, faults: [String])]) {
    let columns = try RecordReader.columns(of: table, db)
    var (count, damaged): (Int, [(row: Row, faults: [String])]) = (0, [])
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM \(table)")
    while let row = try rows.next() {
      count += 1
      let reader = RecordReader(row, columns)
      // Only values of their columns' types can be read without harm.
      if reader.faults.isEmpty { try faults(reader, db) }
      if !reader.faults.isEmpty { damaged.append((row.copy(), reader.faults)) }
    }
    return (count, damaged)
  }
}

/// The values of a row, and what is wrong with them.
final class RecordReader {
  typealias Column = (name: String, type: String, isRequired: Bool)

  private(set) var faults: [String] = []
  private let row: Row

  init(_ row: Row, _ columns: [Column]) {
    self.row = row
    for column in columns where !Self.fits(row[column.name], column) { add("\(column.name) is not of its type") }
  }

  static func columns(of table: String, _ db: Database) throws -> [Column] {
    try Row.fetchAll(db, sql: "SELECT name, type, \"notnull\" OR pk > 0 AS needed FROM pragma_table_info(?)", arguments: [table])
      .map { ($0["name"], $0["type"], $0["needed"]) }
  }

  private static func fits(_ value: DatabaseValue, _ column: Column) -> Bool {
    switch value.storage {
    case .null: !column.isRequired
    case .int64: column.type == "INTEGER"
    case .string: column.type == "TEXT"
    case .blob: column.type == "BLOB"
    case .double: false
    }
  }

  func text(_ name: String) -> String? { row[name] }
  func add(_ fault: String) { faults.append(fault) }

  /// A value that is there must hold a condition.
  func require(_ name: String, _ holds: (String) -> Bool) {
    if let text = text(name), !holds(text) { add("\(name) is not what it can be") }
  }

  func require(_ name: String, in range: ClosedRange<Int64>) {
    if let number = row[name] as Int64?, !range.contains(number) { add("\(name) is \(number)") }
  }
}
