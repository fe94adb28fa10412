import JSON
import Files
import Datasets
import Foundation
import GRDB
import Models
import Robustness
import Synchronization

/// A data set as it is listed: built in, or uploaded.
package struct DatasetRecord: Hashable, Sendable {
  package let id: String
  package let name: String
  /// `nil` for a built-in one.
  package let format: DatasetFormat?
  package let summary: DatasetSummary
  package let createdAt: Timestamp?

  package static func == (one: DatasetRecord, other: DatasetRecord) -> Bool {
    one.id == other.id && one.name == other.name && one.format == other.format && one.summary == other.summary
      && one.createdAt == other.createdAt
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(id) }

  package var json: JSONValue {
    get throws {
      var object: JSONObject = [
        "id": .string(id), "object": "dataset", "name": .string(name), "format": .orNull(format?.rawValue),
        "built_in": .bool(format == nil),
      ]
      if case .object(let facts) = try JSONValue(encoding: summary) { for (key, value) in facts.members { object[key] = value } }
      object["created_at"] = .orNull(createdAt?.description)
      return .object(object)
    }
  }
}

/// Uploaded weights as they are listed.
package struct ModelRecord: Hashable, Sendable {
  package let id: String
  package let name: String
  /// Numbers in all.
  package let parameters: Int
  /// Name and shape of each tensor, in order.
  package let tensors: JSONValue
  package let bytes: Int
  package let sha256: String
  package let createdAt: Timestamp

  package var json: JSONValue {
    [
      "id": .string(id), "object": "model", "name": .string(name), "format": "safetensors", "parameters": .int(Int64(parameters)),
      "tensors": tensors, "bytes": .int(Int64(bytes)), "sha256": .string(sha256), "created_at": .string(createdAt.description),
    ]
  }
}

/// A built-in data set cannot be deleted.
package struct BuiltIn: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  package var description: String { "\(id) is built in and cannot be deleted" }
}

/// The data sets and weights that jobs name.
package final class Registry: Catalogue {
  let store: Store
  private let limits: DatasetLimits
  /// The data sets that were read last, so that the next job on one of them need not read it again.
  private let recent = Mutex<[(id: String, dataset: Dataset)]>([])
  private static let mostRecent = 2

  package init(_ store: Store, limits: DatasetLimits = DatasetLimits()) {
    self.store = store
    self.limits = limits
  }

  // MARK: Data sets

  /// Uploaded ones, newest first, then the built-in ones.
  package func datasets(after: String? = nil, limit: Int = 50) throws -> Page<DatasetRecord> {
    let rows = try store.pool.read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM datasets ORDER BY id DESC").map(DatasetRecord.init)
    }
    let all = rows + DatasetSource.builtInNames.compactMap(Self.builtIn)
    // An uploaded one that was deleted meanwhile still has its place: ids sort by time.
    let start =
      after.map { after in
        all.firstIndex { $0.id == after }.map { $0 + 1 } ?? all.firstIndex { $0.createdAt == nil || $0.id < after } ?? all.count
      } ?? 0
    let rest = all[start...]
    return Page(elements: Array(rest.prefix(limit)), hasMore: rest.count > limit)
  }

  /// - Throws: `NotFound`.
  package func dataset(_ id: String) throws -> DatasetRecord {
    if let builtIn = Self.builtIn(id) { return builtIn }
    return try store.pool.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM datasets WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
      return try DatasetRecord(row)
    }
  }

  /// Reads and checks an upload, and keeps it. An upload that is refused leaves nothing.
  ///
  /// - Parameter parts: those of `format.parts` that were uploaded, each in `upload.file(part)`.
  /// - Throws: `DatasetError`.
  package func addDataset(_ upload: Upload, name: String, format: DatasetFormat, parts: [String]) throws -> DatasetRecord {
    do {
      let files = parts.map { DatasetFile(part: $0, url: upload.file($0)) }
      let dataset = try DatasetSource.load(format: format, files: files, name: name, limits: limits, in: store.directory.incoming)
      for file in files { try DataDirectory.sync(file.url) }
      let now = Timestamp.now
      let record = DatasetRecord(id: Identifier.dataset.make(at: now), name: name, format: format, summary: dataset.summary, createdAt: now)
      let target = store.directory.dataset(record.id)
      try store.directory.adopt(upload.folder, as: target)
      do {
        let summary = try JSONValue(encoding: record.summary).serialised()
        try store.pool.write { db in
          try db.execute(
            sql: "INSERT INTO datasets VALUES (?, ?, ?, ?, ?)",
            arguments: [record.id, name, format.rawValue, summary, now.milliseconds])
        }
      } catch {
        store.directory.remove(target)
        throw error
      }
      remember(dataset, as: record.id)
      return record
    } catch {
      upload.discard()
      throw error
    }
  }

  /// - Throws: `NotFound`, `BuiltIn`; `InUse` while a job that has not ended needs it.
  package func deleteDataset(_ id: String) throws {
    if Self.builtIn(id) != nil { throw BuiltIn(id: id) }
    try delete(id, from: "datasets")
    store.directory.remove(store.directory.dataset(id))
    recent.withLock { $0.removeAll { $0.id == id } }
  }

  package func facts(of dataset: DatasetSection.Reference) throws -> DatasetFacts? {
    guard case .id(let id) = dataset else { return nil }
    if let builtIn = DatasetSource.builtIn(id) { return DatasetFacts(builtIn) }
    do {
      return DatasetFacts(try self.dataset(id).summary)
    } catch is NotFound {
      return nil
    }
  }

  package func load(_ reference: DatasetSection.Reference) throws -> Dataset {
    guard case .id(let id) = reference else { throw NotFound("data set by path") }
    if let dataset = DatasetSource.builtIn(id) { return dataset }
    if let dataset = recent.withLock({ $0.first { $0.id == id }?.dataset }) { return dataset }
    let record = try dataset(id)
    guard let format = record.format else { throw NotFound(id) }
    let folder = store.directory.dataset(id)
    let files = format.parts.map { DatasetFile(part: $0, url: folder.appendingPathComponent($0)) }
    let dataset = try DatasetSource.load(
      format: format, files: files, name: record.name, limits: limits, in: store.directory.incoming)
    remember(dataset, as: id)
    return dataset
  }

  private func remember(_ dataset: Dataset, as id: String) {
    recent.withLock { recent in
      recent.removeAll { $0.id == id }
      recent.insert((id, dataset), at: 0)
      if recent.count > Self.mostRecent { recent.removeLast() }
    }
  }

  private static func builtIn(_ id: String) -> DatasetRecord? {
    DatasetSource.builtIn(id).map { DatasetRecord(id: id, name: $0.name, format: nil, summary: $0.summary, createdAt: nil) }
  }

  // MARK: Weights

  /// Newest first.
  package func models(after: String? = nil, limit: Int = 50) throws -> Page<ModelRecord> {
    let records = try store.pool.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM models WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?", arguments: [after, after, limit + 1]
      ).map(ModelRecord.init)
    }
    return Page(elements: Array(records.prefix(limit)), hasMore: records.count > limit)
  }

  /// - Throws: `NotFound`.
  package func model(_ id: String) throws -> ModelRecord {
    try store.pool.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM models WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
      return try ModelRecord(row)
    }
  }

  /// Reads and checks a safetensors file in `upload.file("body")`, and keeps it. One that is refused leaves nothing.
  ///
  /// - Throws: `SafetensorsError`.
  package func addModel(_ upload: Upload, name: String) throws -> ModelRecord {
    defer { upload.discard() }
    let file = upload.file("body")
    let weights = try Safetensors(contentsOf: file).weights
    let tensors = weights.entries.map { entry -> JSONValue in
      ["name": .string(entry.name), "shape": .array(entry.tensor.shape.dimensions.map { .int(Int64($0)) })]
    }
    let now = Timestamp.now
    let size = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int
    let record = ModelRecord(
      id: Identifier.model.make(at: now), name: name, parameters: weights.entries.reduce(0) { $0 + $1.tensor.shape.count },
      tensors: .array(tensors), bytes: size ?? 0, sha256: try SHA256Digest.hex(ofFile: file), createdAt: now)
    let target = store.directory.model(record.id)
    try store.directory.adopt(file, as: target)
    do {
      try store.pool.write { db in
        try db.execute(
          sql: "INSERT INTO models VALUES (?, ?, 'safetensors', ?, ?, ?, ?, ?)",
          arguments: [
            record.id, name, record.parameters, record.tensors.serialised(), record.bytes, record.sha256, now.milliseconds,
          ])
      }
    } catch {
      store.directory.remove(target)
      throw error
    }
    return record
  }

  /// - Throws: `NotFound`; `InUse` while a job that has not ended needs it.
  package func deleteModel(_ id: String) throws {
    try delete(id, from: "models")
    store.directory.remove(store.directory.model(id))
  }

  package func weights(_ id: String) throws -> StoredWeights? {
    do {
      if Identifier.model.matches(id) {
        let record = try model(id)
        return StoredWeights(weights: try Safetensors(contentsOf: store.directory.model(id)).weights, sha256: record.sha256)
      }
      guard Identifier.checkpoint.matches(id) else { return nil }
      let file = store.file(of: try store.checkpoint(id))
      return try StoredWeights(file: file)
    } catch is NotFound {
      return nil
    }
  }

  private func delete(_ id: String, from table: String) throws {
    try store.pool.write { db in
      try Store.requireUnused(id, db)
      try db.execute(sql: "DELETE FROM \(table) WHERE id = ?", arguments: [id])
      guard db.changesCount == 1 else { throw NotFound(id) }
    }
  }
}

/// Weights with the digest of their file.
package struct StoredWeights: Sendable {
  package let weights: Weights
  package let sha256: String

  init(weights: Weights, sha256: String) {
    self.weights = weights
    self.sha256 = sha256
  }

  init(file: URL) throws {
    let data = try Data(contentsOf: file)
    weights = try Safetensors(data).weights
    sha256 = SHA256Digest.hex(of: data)
  }
}

extension DatasetRecord {
  fileprivate init(_ row: Row) throws {
    id = row["id"]
    name = row["name"]
    format = DatasetFormat(rawValue: row["format"])
    summary = try JSONValue(stored: row["summary"]).decoded(as: DatasetSummary.self)
    createdAt = Timestamp(milliseconds: row["created_at"])
  }
}

extension ModelRecord {
  fileprivate init(_ row: Row) throws {
    id = row["id"]
    name = row["name"]
    parameters = row["parameters"]
    tensors = try JSONValue(stored: row["tensors"])
    bytes = row["bytes"]
    sha256 = row["sha256"]
    createdAt = Timestamp(milliseconds: row["created_at"])
  }
}
