import Datasets
import Files
import Foundation
import Jobs
import Models
import Robustness
import TensorEngine
import Testing

@Suite struct RegistryTests {
  /// An IDX file (yann.lecun.com/exdb/mnist) of bytes.
  private func idx(_ dimensions: [Int], _ bytes: [UInt8]) -> Data {
    var data = Data([0, 0, 8, UInt8(dimensions.count)])
    for dimension in dimensions { withUnsafeBytes(of: UInt32(dimension).bigEndian) { data.append(contentsOf: $0) } }
    return data + Data(bytes)
  }

  private func upload(_ store: Store, labels: Int = 4) throws -> Upload {
    let upload = try store.directory.upload()
    for part in ["train", "test"] {
      try idx([4, 2, 2], (0..<16).map { UInt8($0 * 15) }).write(to: upload.file(part + "_images"))
      try idx([labels], (0..<labels).map { UInt8($0 % 2) }).write(to: upload.file(part + "_labels"))
    }
    return upload
  }

  /// Adds a data set, and gives its record.
  private func add(_ upload: Upload, _ registry: Registry, parts: [String] = DatasetFormat.idx.parts) throws -> DatasetRecord {
    var added: DatasetRecord?
    _ = try registry.addDataset(upload, name: "tiny", format: .idx, parts: parts) { record in
      added = record
      return StoredAnswer(status: 201, headers: [], body: Data())
    }
    return try #require(added)
  }

  private func add(_ weights: Data, _ registry: Registry, _ store: Store) throws -> ModelRecord {
    let file = try NewFile(store.directory.files.newURL())
    try file.append(weights)
    var added: ModelRecord?
    _ = try registry.addModel(file, name: "start") { record in
      added = record
      return StoredAnswer(status: 201, headers: [], body: Data())
    }
    return try #require(added)
  }

  private func isEmpty(_ store: Store, _ folder: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: store.directory.root.appendingPathComponent(folder).path).isEmpty
  }

  @Test("an uploaded data set is listed before the built-in one, and can be loaded by the next process")
  func upload() throws {
    let folder = try TestFolder()
    var store: Store? = try Store(at: folder.url)
    let record = try add(upload(#require(store)), Registry(#require(store)))
    #expect(record.summary.shape == [2, 2, 1])
    store = nil
    let next = try Store(at: folder.url)
    let registry = Registry(next)
    #expect(try registry.datasets().elements.map(\.id) == [record.id, "digits"])
    #expect(try registry.datasets(after: record.id).elements.map(\.id) == ["digits"])
    #expect(try registry.load(.id(record.id)).train.labels(at: 0..<4) == [0, 1, 0, 1])
    #expect(try registry.dataset(record.id).json["classes"] == 2)
    #expect(try isEmpty(next, "incoming"))
  }

  @Test("an upload that is refused leaves nothing")
  func refused() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    #expect(throws: DatasetError.self) { try add(upload(store, labels: 3), registry) }
    #expect(throws: DatasetError.self) { try add(upload(store), registry, parts: ["train_images"]) }
    #expect(throws: SafetensorsError.self) { try add(Data("no safetensors".utf8), registry, store) }
    #expect(try isEmpty(store, "incoming"))
    #expect(store.directory.files.all().isEmpty)
    #expect(try registry.datasets().elements.map(\.id) == ["digits"])
  }

  @Test("what a job that has not ended needs cannot be deleted, and can be when it has")
  func inUse() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    let dataset = try add(upload(store), registry)
    let graph = try ModelDescription(.preset("linear")).graph(input: [2, 2, 1], classes: 2)
    let model = try add(Safetensors(Weights(graph.layout, seed: 1)).encoded(), registry, store)
    #expect(model.parameters == 10)
    let document = Specs.smallest.setting("/dataset", to: ["id": .string(dataset.id), "validation_fraction": 0])
      .setting("/model/init", to: .string(model.id))
    let spec = try SpecCheck(registry).accept(document).spec
    let job = try store.submit(spec)
    let refusal = try #require(throws: InUse.self) { try registry.deleteDataset(dataset.id) }
    #expect(refusal.jobs == [job.id])
    #expect(throws: InUse.self) { try registry.deleteModel(model.id) }
    try store.move(job.id, to: .cancelled)
    try registry.deleteDataset(dataset.id)
    try registry.deleteModel(model.id)
    #expect(throws: NotFound.self) { try registry.deleteDataset(dataset.id) }
    #expect(throws: BuiltIn.self) { try registry.deleteDataset("digits") }
    #expect(store.directory.files.all().isEmpty)
    // A spec that was checked before the deletion is refused when it is submitted.
    let late = try #require(throws: SpecFaults.self) { try store.submit(spec) }
    #expect(late.faults.map(\.pointer) == ["/dataset/id", "/model/init"])
  }

  @Test("two data sets of the same content share a file, which goes with the last of them")
  func shared() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    let (one, two) = (try add(upload(store), registry), try add(upload(store), registry))
    #expect(one.file == two.file)
    #expect(store.directory.files.all().count == 1)
    try registry.deleteDataset(one.id)
    #expect(store.directory.files.all().count == 1)
    #expect(try registry.load(.id(two.id)).train.count == 4)
    try registry.deleteDataset(two.id)
    #expect(store.directory.files.all().isEmpty)
  }

  @Test("a damaged data set is named, marked and never used, and is whole again when it is uploaded again")
  func damaged() throws {
    let folder = try TestFolder()
    var store: Store? = try Store(at: folder.url)
    let record = try add(upload(#require(store)), Registry(#require(store)))
    let file = try #require(record.file)
    let url = try #require(store?.directory.files.url(of: file))
    store = nil
    var bytes = try Data(contentsOf: url)
    bytes[3] ^= 0x10
    try bytes.write(to: url)
    let next = try Store(at: folder.url)
    let registry = Registry(next)
    let error = try #require(throws: Damaged.self) { try registry.load(.id(record.id)) }
    #expect(error.sha256 == file && error.id == record.id)
    #expect(throws: Damaged.self) { try registry.dataset(record.id) }
    #expect(try registry.datasets().elements.map(\.isDamaged) == [true, false])
    let spec = Specs.smallest.setting("/dataset", to: ["id": .string(record.id), "validation_fraction": 0])
    let refusal = try #require(throws: SpecFaults.self) { try SpecCheck(registry).accept(spec) }
    #expect(refusal.faults.map(\.pointer) == ["/dataset/id"])
    #expect(refusal.faults[0].detail.contains("damaged"))
    _ = try add(upload(next), registry)
    #expect(try registry.load(.id(record.id)).train.count == 4)
  }

  @Test("a file that went in the ordinary way while it was looked for is no damage")
  func gone() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    let record = try add(upload(store), registry)
    let file = try #require(record.file)
    try registry.deleteDataset(record.id)
    #expect(throws: NotFound.self) { try store.open(file, of: record.id) }
    #expect(try store.check(file, of: record.id))
    #expect(try add(upload(store), registry).file == file)
    #expect(try registry.datasets().elements.map(\.isDamaged) == [false, false])
  }

  @Test("a data directory of the time before files had their digests as names goes on with all that it holds")
  func legacy() throws {
    let folder = try TestFolder()
    let (dataset, model): (DatasetRecord, ModelRecord)
    let job: String
    do {
      let store = try Store(at: folder.url)
      let registry = Registry(store)
      dataset = try add(upload(store), registry)
      let graph = try ModelDescription(.preset("linear")).graph(input: [2, 2, 1], classes: 2)
      model = try add(Safetensors(Weights(graph.layout, seed: 1)).encoded(), registry, store)
      job = try store.submit(Specs.parsed(Specs.smallest)).id
      try FileManager.default.createDirectory(at: folder.url.appendingPathComponent("datasets"), withIntermediateDirectories: true)
      try FileManager.default.createDirectory(at: folder.url.appendingPathComponent("models"), withIntermediateDirectories: true)
      let old = try upload(store)
      try FileManager.default.copyItem(at: old.folder, to: folder.url.appendingPathComponent("datasets/\(dataset.id)"))
      let stored = store.directory.files.url(of: model.sha256)
      try FileManager.default.moveItem(at: stored, to: folder.url.appendingPathComponent("models/\(model.id).safetensors"))
      try store.close()
      try changeDatabase(in: folder.url, "UPDATE datasets SET file = NULL")
    }
    let next = try Store(at: folder.url)
    let registry = Registry(next)
    #expect(try registry.load(.id(dataset.id)).train.labels(at: 0..<4) == [0, 1, 0, 1])
    #expect(try registry.weights(model.id)?.sha256 == model.sha256)
    #expect(try next.job(job).state == .queued)
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("datasets").path))
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("models").path))
  }
}
