import Datasets
import Files
import Foundation
import GRDB
import JSON
import Models

/// The data sets and weights that jobs can use.
package final class Registry: Catalogue {
  let store: Store
  private let limits: DatasetLimits
  /// Whose things it shows; what is not among them is answered as what there is not.
  private let viewer: Viewer

  package init(_ store: Store, limits: DatasetLimits = DatasetLimits(), viewer: Viewer = .all) {
    self.store = store
    self.limits = limits
    self.viewer = viewer
  }

  /// The same with the things of another owner.
  package func seen(by viewer: Viewer) -> Registry { Registry(store, limits: limits, viewer: viewer) }

  // MARK: Data sets

  /// The uploaded ones, newest first, then the built-in ones.
  package func datasets(after: String? = nil, limit: Int = 50) throws -> Page<DatasetRecord> {
    let rows = try store.database.read { db in
      try Self.whole(
        Row.fetchAll(
          db, sql: "SELECT * FROM datasets WHERE ? = '*' OR owner = ? ORDER BY id DESC", arguments: [viewer.owner, viewer.owner]),
        db, DatasetRecord.init
      ) { record, isDamaged in
        record.isDamaged = isDamaged(record.file)
      }
    }
    let all = rows + DatasetSource.builtInNames.compactMap(Self.builtIn)
    // `after` may be deleted already. Ids sort by time, so its position is still known.
    let start =
      after.map { after in
        all.firstIndex { $0.id == after }.map { $0 + 1 } ?? all.firstIndex { $0.createdAt == nil || $0.id < after } ?? all.count
      } ?? 0
    let rest = all[start...]
    return Page(elements: Array(rest.prefix(limit)), hasMore: rest.count > limit)
  }

  /// - Throws: `NotFound`, `Damaged`.
  package func dataset(_ id: String) throws -> DatasetRecord {
    if let builtIn = Self.builtIn(id) { return builtIn }
    let (record, mark) = try store.database.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM datasets WHERE id = ?", arguments: [id]), viewer.sees(row["owner"]) else {
        throw NotFound(id)
      }
      let record = try DatasetRecord(row)
      return (record, try Store.mark(of: record.file, db))
    }
    try store.requireWhole(despite: mark, of: id)
    return record
  }

  /// Makes sure that the file of a data set is still the one that was opened: it is hashed when it was touched.
  ///
  /// - Throws: `Damaged`; the damage is then noted.
  package func requireWhole(_ reference: DatasetSection.Reference) throws {
    guard case .id(let id) = reference, let file = try dataset(id).file else { return }
    _ = try store.open(file, of: id)
  }

  /// Reads and checks an upload, and stores it as a packed file. A refused upload leaves no file.
  ///
  /// - Parameters:
  ///   - parts: the uploaded ones of `format.parts`, each in `upload.file(part)`, further files of the same part in `upload.file(part, number)`.
  ///   - answer: makes the answer from the new record; it is stored under `key`.
  /// - Throws: `DatasetError`; `StorageError` with `isFull` when the disk reaches its reserve.
  package func addDataset(
    _ upload: Upload, name: String, format: DatasetFormat, options: DatasetOptions = DatasetOptions(), parts: [String],
    key: IdempotencyKey? = nil,
    answer: (DatasetRecord) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    defer { upload.discard() }
    let files = parts.enumerated().map { place, part in
      DatasetFile(part: part, url: upload.file(part, parts[..<place].count { $0 == part }))
    }
    let dataset = try packed(files, name: name, format: format, options, limits)
    return try refusable(dataset.file) {
      try store.create(key: key) { change in
        let record = try dataset.insert(owner: viewer.maker, change)
        try change.quotas.requireBytes(of: viewer.maker, isCounted: true, change.db)
        return try answer(record)
      }
    }
  }

  /// A file whose record is refused goes again.
  private func refusable<Value>(_ file: KeptFile, _ create: () throws -> Value) throws -> Value {
    do { return try create() } catch let error as QuotaExceeded {
      try store.giveUp(file)
      throw error
    }
  }

  /// Packs the images that a job made, as a data set with the job's name.
  ///
  /// - Parameter url: of the archive that the run left. It has as many values as the source, which were accepted, but four bytes for each.
  func packed(generated url: URL, name: String) throws -> NewDataset {
    try packed(
      [DatasetFile(part: DatasetFormat.npz.parts[0], url: url)], name: name, format: .npz, DatasetOptions(layout: .nhwc),
      DatasetLimits(uncompressedBytes: .max, classes: limits.classes))
  }

  private func packed(
    _ files: [DatasetFile], name: String, format: DatasetFormat, _ options: DatasetOptions, _ limits: DatasetLimits
  ) throws -> NewDataset {
    var summary: DatasetSummary?
    let space = store.directory.space
    let file = try store.directory.files.write { packed in
      summary = try DatasetSource.pack(format: format, files: files, options: options, limits: limits, into: packed) {
        try space.requireRoom()
      }
    }
    guard let summary else { throw DatasetError("the upload holds nothing") }
    return NewDataset(name: name, format: format, summary: summary, file: file)
  }

  /// - Throws: `NotFound`, `BuiltIn`; `InUse` while an unfinished job needs it.
  package func deleteDataset(_ id: String, if condition: ChangeCondition? = nil) throws {
    if Self.builtIn(id) != nil { throw BuiltIn(id: id) }
    try delete(id, from: "datasets", file: "file", if: condition)
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
    let record = try dataset(id)
    guard let file = record.file else { throw Damaged(id) }
    return try PackedDataset.open(store.open(file, of: id), name: record.name)
  }

  private static func builtIn(_ id: String) -> DatasetRecord? {
    DatasetSource.builtIn(id).map { DatasetRecord(id: id, name: $0.name, format: nil, summary: $0.summary, createdAt: nil, file: nil) }
  }

  // MARK: Weights

  /// Newest first.
  package func models(after: String? = nil, limit: Int = 50) throws -> Page<ModelRecord> {
    let (records, hasMore) = try store.database.read { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM models WHERE (? IS NULL OR id < ?) AND (? = '*' OR owner = ?) ORDER BY id DESC LIMIT ?",
        arguments: [after, after, viewer.owner, viewer.owner, limit + 1])
      let records = try Self.whole(Array(rows.prefix(limit)), db, ModelRecord.init) { record, isDamaged in
        record.isDamaged = isDamaged(record.sha256)
      }
      return (records, rows.count > limit)
    }
    return Page(elements: records, hasMore: hasMore)
  }

  /// - Throws: `NotFound`, `Damaged`.
  package func model(_ id: String) throws -> ModelRecord {
    let (record, mark) = try store.database.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM models WHERE id = ?", arguments: [id]), viewer.sees(row["owner"]) else {
        throw NotFound(id)
      }
      let record = try ModelRecord(row)
      return (record, try Store.mark(of: record.sha256, db))
    }
    try store.requireWhole(despite: mark, of: id)
    return record
  }

  /// The same, with what its file says of its network.
  package func describedModel(_ id: String) throws -> ModelRecord {
    var record = try model(id)
    record.metadata = try Safetensors.metadata(of: store.open(record.sha256, of: id))
    return record
  }

  /// Checks the header of a safetensors file, and stores the file; an ONNX file is translated into one. A refused one leaves no file.
  ///
  /// - Parameters:
  ///   - file: the complete file.
  ///   - answer: makes the answer from the new record; it is stored under `key`.
  /// - Throws: `SafetensorsError`, `ONNXError`.
  package func addModel(
    _ file: NewFile, name: String, format: ModelFormat = .safetensors, key: IdempotencyKey? = nil,
    answer: (ModelRecord) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    let file = format == .onnx ? try translated(file) : file
    let open = try OpenFile(file.url, title: "the upload")
    let (outline, metadata) = (try Safetensors.outline(of: open), try Safetensors.metadata(of: open))
    try Safetensors.requireFinite(open)
    let tensors = outline.map { tensor -> JSONValue in
      ["name": .string(tensor.name), "shape": .array(tensor.shape.dimensions.map { .int(Int64($0)) })]
    }
    let kept = try store.directory.files.adopt(file)
    return try refusable(kept) { try insert(kept, name: name, format, outline, tensors, metadata, key: key, answer: answer) }
  }

  private func insert(
    _ kept: KeptFile, name: String, _ format: ModelFormat, _ outline: [TensorOutline], _ tensors: [JSONValue], _ metadata: [String: String],
    key: IdempotencyKey?, answer: (ModelRecord) throws -> StoredAnswer
  ) throws -> CreationAnswer {
    try store.create(key: key) { change in
      var record = ModelRecord(
        id: Identifier.model.make(at: change.now), name: name, format: format, parameters: outline.reduce(0) { $0 + $1.shape.count },
        tensors: .array(tensors), bytes: kept.bytes, sha256: kept.sha256, createdAt: change.now)
      record.metadata = metadata
      try change.db.execute(
        sql: """
          INSERT INTO models (id, owner, name, format, parameters, tensors, bytes, sha256, created_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          record.id, viewer.maker, name, format.rawValue, record.parameters, record.tensors.serialised(), record.bytes, record.sha256,
          change.now.milliseconds,
        ])
      try Store.named(kept, change.db)
      try change.quotas.requireBytes(of: viewer.maker, isCounted: true, change.db)
      return try answer(record)
    }
  }

  /// The network of an ONNX file as a safetensors file.
  private func translated(_ file: NewFile) throws -> NewFile {
    let network = try ONNXNetwork(Data(contentsOf: file.url, options: .alwaysMapped))
    let translated = try NewFile(store.directory.files.newURL(), title: "the upload")
    try translated.append(network.encoded())
    return translated
  }

  /// The weights of a file with their network, as an ONNX file of the moment: it has no name any more.
  ///
  /// - Throws: `ONNXError` where the network has no form in ONNX; `ModelCardError`, `ModelError` and `WeightsError` where the file does not
  ///   describe it.
  package func onnx(of file: OpenFile) throws -> (sha256: String, file: OpenFile) {
    var data = Data(capacity: file.size)
    try file.forEachPiece { data.append(contentsOf: $0) }
    let weights = try Safetensors(data)
    guard let card = try ModelCard(metadata: weights.metadata) else { throw NoNetwork() }
    let written = try NewFile(store.directory.files.newURL(), title: "an ONNX file")
    try written.append(ONNXWriter.encoded(card, weights.weights))
    return (written.sha256, try OpenFile(written.url, title: "an ONNX file"))
  }

  /// - Throws: `NotFound`, `Damaged`.
  package func openModel(_ id: String) throws -> (record: ModelRecord, file: OpenFile) {
    let record = try model(id)
    return (record, try store.open(record.sha256, of: id))
  }

  /// - Throws: `NotFound`; `InUse` while an unfinished job needs it.
  package func deleteModel(_ id: String, if condition: ChangeCondition? = nil) throws {
    try delete(id, from: "models", file: "sha256", if: condition)
  }

  package func weights(_ id: String) throws -> StoredWeights? {
    guard let sha256 = try digest(ofWeights: id) else { return nil }
    return try StoredWeights(store.open(sha256, of: id), sha256: sha256)
  }

  package func outline(ofWeights id: String) throws -> [TensorOutline]? {
    guard let sha256 = try digest(ofWeights: id) else { return nil }
    return try Safetensors.outline(of: store.open(sha256, of: id))
  }

  package func metadata(ofWeights id: String) throws -> [String: String]? {
    guard let sha256 = try digest(ofWeights: id) else { return nil }
    return try Safetensors.metadata(of: store.open(sha256, of: id))
  }

  package func pinned(_ name: String) throws -> String {
    let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2, Identifier.job.matches(parts[0]) else { return name }
    // A job that the owner does not see stands for nothing.
    guard viewer.seesAll || (try? store.job(parts[0])).map({ viewer.sees($0.owner) }) == true else { return name }
    do { return try store.checkpoint(parts[1], of: parts[0]).id } catch is NotFound { return name }
  }

  package func weights(labelled labels: [String: String]) throws -> String? {
    guard let job = try store.jobs(for: viewer, state: .succeeded, labels: labels, limit: 1).elements.first?.job else { return nil }
    let spec = try JobSpec(reading: job.spec)
    guard let training = spec.training else { return spec.model.initial }
    do { return try store.checkpoint(training.select.role.rawValue, of: job.id).id } catch is NotFound { return nil }
  }

  package func state(ofJob id: String) throws -> JobState? {
    do {
      let job = try store.job(id)
      return viewer.sees(job.owner) ? job.state : nil
    } catch is NotFound {
      return nil
    }
  }

  /// - Returns: `nil` when there are no such weights.
  private func digest(ofWeights id: String) throws -> String? {
    do {
      if Identifier.model.matches(id) { return try model(id).sha256 }
      guard Identifier.checkpoint.matches(id), try viewer.seesAll || store.owner(ofCheckpoint: id).map(viewer.sees) == true else {
        return nil
      }
      return try store.checkpoint(id).sha256
    } catch is NotFound {
      return nil
    }
  }

  // MARK: Rows

  /// The records of rows. Unreadable rows are left out, and records whose file is damaged are marked.
  private static func whole<Record>(
    _ rows: [Row], _ db: Database, _ read: (Row) throws -> Record, mark: (inout Record, (String?) -> Bool) -> Void
  ) throws -> [Record] {
    let damaged = try String.fetchSet(db, sql: "SELECT sha256 FROM damaged")
    return rows.compactMap { row in
      guard var record = try? read(row) else { return nil }
      mark(&record) { $0.map(damaged.contains) ?? false }
      return record
    }
  }

  private func delete(_ id: String, from table: String, file: String, if condition: ChangeCondition?) throws {
    try store.change(if: condition) { change in
      let db = change.db
      try Store.requireUnused(id, db)
      try Store.release(String.fetchOne(db, sql: "SELECT \(file) FROM \(table) WHERE id = ?", arguments: [id]), of: id, db)
      try db.execute(sql: "DELETE FROM \(table) WHERE id = ?", arguments: [id])
      guard db.changesCount == 1 else { throw NotFound(id) }
    }
    try store.collectReleased(of: id)
  }
}
