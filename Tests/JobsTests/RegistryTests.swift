import Datasets
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

  private func isEmpty(_ store: Store, _ folder: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: store.directory.root.appendingPathComponent(folder).path).isEmpty
  }

  @Test("an uploaded data set is listed before the built-in one, and can be loaded by the next process")
  func upload() throws {
    let folder = try TestFolder()
    var store: Store? = try Store(at: folder.url)
    let record = try Registry(#require(store)).addDataset(
      upload(#require(store)), name: "tiny", format: .idx, parts: DatasetFormat.idx.parts)
    #expect(record.summary.shape == [2, 2, 1])
    store = nil
    let next = try Store(at: folder.url)
    let registry = Registry(next)
    #expect(try registry.datasets().elements.map(\.id) == [record.id, "digits"])
    #expect(try registry.datasets(after: record.id).elements.map(\.id) == ["digits"])
    #expect(try registry.load(.id(record.id)).train.labels == [0, 1, 0, 1])
    #expect(try registry.dataset(record.id).json["classes"] == 2)
    #expect(try isEmpty(next, "incoming"))
  }

  @Test("an upload that is refused leaves nothing")
  func refused() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    #expect(throws: DatasetError.self) {
      try registry.addDataset(upload(store, labels: 3), name: "tiny", format: .idx, parts: DatasetFormat.idx.parts)
    }
    #expect(throws: DatasetError.self) {
      try registry.addDataset(upload(store), name: "tiny", format: .idx, parts: ["train_images"])
    }
    let model = try store.directory.upload()
    try Data("no safetensors".utf8).write(to: model.file("body"))
    #expect(throws: SafetensorsError.self) { try registry.addModel(model, name: "torn") }
    #expect(try isEmpty(store, "incoming"))
    #expect(try isEmpty(store, "datasets"))
    #expect(try isEmpty(store, "models"))
    #expect(try registry.datasets().elements.map(\.id) == ["digits"])
  }

  @Test("what a job that has not ended needs cannot be deleted, and can be when it has")
  func inUse() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let registry = Registry(store)
    let dataset = try registry.addDataset(upload(store), name: "tiny", format: .idx, parts: DatasetFormat.idx.parts)
    let graph = try ModelDescription(.preset("linear")).graph(input: [2, 2, 1], classes: 2)
    let file = try store.directory.upload()
    try Safetensors(Weights(graph.layout, seed: 1)).encoded().write(to: file.file("body"))
    let model = try registry.addModel(file, name: "start")
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
    #expect(try isEmpty(store, "datasets"))
    #expect(try isEmpty(store, "models"))
    // A spec that was checked before the deletion is refused at the door.
    let late = try #require(throws: SpecFaults.self) { try store.submit(spec) }
    #expect(late.faults.map(\.pointer) == ["/dataset/id", "/model/init"])
  }
}
