import Datasets
import Files
import Foundation
import JSON
import Jobs
import Models
import Robustness
import TensorEngine
import Testing

@Suite("Networks and pictures that come from elsewhere")
struct ImportedNetworkTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private var check: SpecCheck { SpecCheck(LocalCatalogue(folder: folder.url)) }

  private func faults(_ document: JSONValue, _ origin: JobSpec.Origin) -> [FieldFault] {
    do throws(SpecFaults) {
      _ = try JobSpec(reading: document, origin: origin)
      return []
    } catch {
      return error.faults
    }
  }

  @Test(
    "a normalisation by name is written out by its values",
    arguments: [
      ("imagenet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), ("minus_one_to_one", [0.5], [0.5]),
    ] as [(String, [JSONValue], [JSONValue])])
  func normalization(name: String, mean: [JSONValue], std: [JSONValue]) throws {
    let spec = try JobSpec(reading: Specs.smallest.setting("/model/normalization", to: .string(name)))
    #expect(spec.json["model"]?["normalization"] == ["mean": .array(mean), "std": .array(std)])
    #expect(try JobSpec(reading: spec.json) == spec)
  }

  @Test("another name of a normalisation is a fault that lists the names")
  func unknownNormalization() {
    let faults = faults(Specs.smallest.setting("/model/normalization", to: "cifar"), .http)
    #expect(faults.map(\.pointer) == ["/model/normalization"])
    #expect(faults.first?.detail.contains("imagenet, minus_one_to_one") == true, "\(faults)")
  }

  @Test("one mean and deviation are those of all channels")
  func oneForAll() throws {
    let model = ModelDescription(.layers([.flatten, .linear(units: 2)]), normalization: .minusOneToOne)
    #expect(throws: Never.self) { try model.graph(input: [2, 2, 3], classes: 2) }
  }

  private func save(_ classes: Int, card: Bool, extra: String? = nil) throws -> String {
    let description = ModelDescription(.layers([.flatten, .linear(units: classes)]))
    var weights = Weights(try description.graph(input: [8, 8, 1], classes: classes).layout, seed: 3)
    if let extra { weights = Weights(weights.entries + [.init(name: extra, tensor: Tensor([1], values: [0]))]) }
    let metadata = card ? try ModelCard(model: description, input: [8, 8, 1], classes: classes).metadata() : [:]
    let file = folder.url.appendingPathComponent("weights.safetensors")
    try Safetensors(weights, metadata: metadata).encoded().write(to: file)
    return file.path
  }

  private func evaluated(_ model: JSONValue) throws -> Report {
    let document: JSONValue = [
      "kind": "evaluate", "dataset": ["id": "digits"], "model": model, "threat": ["norm": "linf", "epsilon": 0.1],
      "evaluation": ["attacks": [["name": "fgsm"]], "samples": 40, "curve": []],
    ]
    let accepted = try check.accept(document, origin: .commandLine)
    return try JobRunner(engine: Engine(threads: 1), catalogue: LocalCatalogue(folder: folder.url)).run(
      accepted.spec, in: folder.url.appendingPathComponent("run"))
  }

  @Test("a network of more outputs than there are classes is evaluated, and labels are the outputs' numbers", arguments: [true, false])
  func moreOutputs(hasCard: Bool) throws {
    let path = try save(25, card: hasCard)
    let model: JSONValue = hasCard ? ["init": .string(path)] : ["architecture": "linear", "init": .string(path)]
    let report = try evaluated(model)
    #expect(report.dataset.classes == (0..<25).map(String.init))
    #expect(report.after.cleanAccuracy.total == 40)
  }

  @Test("what a file of weights holds beside them is a warning of the report")
  func tensorsLeftOut() throws {
    let report = try evaluated(["architecture": "linear", "init": .string(save(10, card: false, extra: "normalize.mean"))])
    let warning = report.warnings.first { $0.code == "tensors_left_out" }
    #expect(warning?.detail.contains("normalize.mean") == true, "\(report.warnings)")
  }

  @Test("pictures of a folder are named by path, and brought to one size; over HTTP neither is taken")
  func pictures() throws {
    for (place, name) in ["train/a/1", "train/a/2", "train/b/1", "train/b/2", "test/a/1", "test/b/1"].enumerated() {
      let url = folder.url.appendingPathComponent("mine/\(name).png")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      let (width, height) = (5 + place, 4 + place)
      try Data(PNGImage.encode([UInt8](repeating: UInt8(40 * place), count: width * height * 3), width: width, height: height)).write(
        to: url)
    }
    let document = Specs.smallest.setting(
      "/dataset", to: ["path": "mine", "format": "images", "resize": [6, 4], "validation_fraction": 0])
    let reference = try JobSpec(reading: document, origin: .commandLine).dataset.reference
    #expect(reference == .path("mine", format: .images, resize: .init(height: 6, width: 4)))
    let facts = try LocalCatalogue(folder: folder.url).facts(of: reference)
    #expect(facts?.shape == [6, 4, 3] && facts?.classNames == ["a", "b"] && facts?.trainCount == 4)
    #expect(throws: DatasetError.self) { try LocalCatalogue(folder: folder.url).facts(of: .path("mine", format: .images)) }
    let faults = faults(document, .http)
    #expect(Set(faults.map(\.pointer)).isSuperset(of: ["/dataset/path", "/dataset/format", "/dataset/resize"]), "\(faults)")
  }
}
