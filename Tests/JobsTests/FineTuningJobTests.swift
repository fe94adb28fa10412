import Files
import Foundation
import JSON
import Jobs
import Models
import Robustness
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("A job that fine-tunes given weights")
struct FineTuningJobTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private var check: SpecCheck { SpecCheck(LocalCatalogue(folder: folder.url)) }

  private func faults(_ document: JSONValue) -> [FieldFault] {
    do {
      _ = try check.accept(document, origin: .commandLine)
      return []
    } catch {
      return error.faults
    }
  }

  /// Weights of the network of the quick spec for so many classes, in a file.
  private func weights(classes: Int, _ description: ModelDescription = ModelDescription(.preset("linear"))) throws -> (Weights, String) {
    let weights = Weights(try description.graph(input: [8, 8, 1], classes: classes).layout, seed: 3)
    let file = folder.url.appendingPathComponent("weights-\(classes).safetensors")
    try Safetensors(weights).encoded().write(to: file)
    return (weights, file.path)
  }

  /// A network of two layers, on the digits.
  private static let layers: JSONValue = [
    "layers": [["type": "flatten"], ["type": "linear", "units": 12], ["type": "relu"], ["type": "linear", "units": 10]]
  ]

  @Test("is told of patterns that match nothing, and of those that leave nothing to be learnt")
  func patterns() {
    func found(_ patterns: JSONValue) -> [FieldFault] {
      faults(Specs.smallest.setting("/model", to: Self.layers).setting("/training/freeze", to: patterns))
    }
    let mistaken = found(["1.*", "features.*", "stem.*"])
    #expect(mistaken.map(\.pointer) == ["/training/freeze/1", "/training/freeze/2"])
    #expect(mistaken.first?.detail.contains("1.weight, 1.bias, 3.weight, 3.bias") == true)
    #expect(found(["1"]).first?.detail.contains("did you mean 1.*?") == true)
    #expect(found(["*"]).map(\.pointer) == ["/training/freeze"])
    #expect(found(["1.*"]).isEmpty)
  }

  @Test("begins the last layer anew where the weights are for other classes, and says so before and after")
  func newLastLayer() throws {
    let network = ModelDescription(.layers([.flatten, .linear(units: 12), .relu, .linear(units: 7)]))
    let (given, path) = try weights(classes: 7, network)
    let document = Specs.quick.setting("/model", to: Self.layers.setting("/init", to: .string(path)))
      .setting("/training", to: ["base_epochs": 0, "epochs": 1, "freeze": ["1.*"], "attack": ["steps": 1]])
    let accepted = try check.accept(document, origin: .commandLine)
    let told = accepted.estimateJSON["new_last_layer"]?.string
    #expect(told?.contains("7 classes and the data set has 10") == true && told?.contains("3.weight, 3.bias") == true)
    let warnings = Mutex<[Warning]>([])
    let report = try JobRunner(engine: Engine(threads: 1), catalogue: LocalCatalogue(folder: folder.url)).run(
      accepted.spec, in: folder.url.appendingPathComponent("run"),
      sink: RunSink(warning: { warning in warnings.withLock { $0.append(warning) } }))
    #expect(report.warnings.contains { $0.code == "new_last_layer" && $0.detail == told })
    #expect(warnings.withLock { $0.first?.code } == "new_last_layer")
    let base = try Safetensors(contentsOf: Checkpoint.url(of: .base, in: folder.url.appendingPathComponent("run"))).weights
    let last = try Safetensors(contentsOf: Checkpoint.url(of: .last, in: folder.url.appendingPathComponent("run"))).weights
    #expect(base["1.weight"] == given["1.weight"] && last["1.weight"] == given["1.weight"])
    #expect(base["3.weight"]?.shape == [10, 12] && base["3.weight"] != last["3.weight"])
    // Drawn as for a network that begins at random.
    let drawn = Weights(accepted.graph.layout, seed: accepted.spec.seed)
    #expect(base["3.weight"] == drawn["3.weight"])
  }

  @Test("is refused where more than the last layer is for another network, and where nothing is trained")
  func otherNetworks() throws {
    let (_, path) = try weights(classes: 7, ModelDescription(.layers([.flatten, .linear(units: 13), .relu, .linear(units: 7)])))
    #expect(faults(Specs.smallest.setting("/model", to: Self.layers.setting("/init", to: .string(path)))).map(\.code) == [.doesNotFit])
    let (_, linear) = try weights(classes: 7)
    let evaluation: JSONValue = Specs.smallest.setting("/model/init", to: .string(linear)).setting("/kind", to: "evaluate")
    #expect(faults(evaluation).map(\.pointer) == ["/model/init"])
    #expect(faults(Specs.smallest.setting("/model/init", to: .string(linear))).isEmpty)
    #expect(faults(Specs.smallest.setting("/evaluation/baseline", to: .string(linear))).map(\.pointer) == ["/evaluation/baseline"])
  }

  @Test("may freeze the statistics of batch norm, but not attack by those of the batch then")
  func statistics() throws {
    let layers: JSONValue = [
      "layers": [
        ["type": "conv", "filters": 4, "kernel": 3], ["type": "batch_norm"], ["type": "flatten"], ["type": "linear", "units": 10],
      ]
    ]
    let network = ModelDescription(.layers([.conv(filters: 4, kernel: 3), .batchNorm(), .flatten, .linear(units: 10)]))
    let (_, path) = try weights(classes: 10, network)
    let document = Specs.smallest.setting("/model", to: layers.setting("/init", to: .string(path)))
      .setting("/training/bn_statistics", to: "frozen")
    #expect(faults(document).isEmpty)
    #expect(faults(document.setting("/training/bn_in_attack", to: "train")).map(\.pointer) == ["/training/bn_in_attack"])
  }

  // MARK: Memory

  @Test("whose batch does not fit into the memory passes in as many parts as it takes, and the completed spec shows how many")
  func accumulation() throws {
    let document = Specs.smallest.setting("/model/architecture", to: "lenet").setting("/training/batch_size", to: 1_024)
      .setting("/evaluation/attacks", to: [["name": "fgsm"]])
    let free = try SpecCheck(LocalCatalogue(folder: folder.url), threads: 1).accept(document)
    #expect(free.spec.json["training"]?["accumulate"] == 1)
    let cut = try SpecCheck(LocalCatalogue(folder: folder.url), threads: 1).accept(document.setting("/training/accumulate", to: 4))
    #expect(cut.footprint.peakBytes < free.footprint.peakBytes)
    let tight = SpecCheck(LocalCatalogue(folder: folder.url), threads: 1, memoryBudget: cut.footprint.peakBytes)
    let fitted = try tight.accept(document)
    let parts = try #require(fitted.spec.training?.accumulate)
    #expect((2...4).contains(parts) && fitted.spec.json["training"]?["accumulate"] == .int(Int64(parts)))
    #expect(fitted.footprint.peakBytes <= cut.footprint.peakBytes)
    #expect(fitted.estimateJSON["accumulate"]?["parts"] == .int(Int64(parts)))
    #expect(fitted.estimateJSON["accumulate"]?["reason"]?.string?.contains("same to the last bit") == true)
    #expect(free.estimateJSON["accumulate"] == nil && cut.estimateJSON["accumulate"] == nil)
    // What was asked for stays as it was asked for.
    #expect {
      _ = try tight.accept(document.setting("/training/accumulate", to: 1))
    } throws: { error in
      (error as? SpecFaults)?.faults.first?.detail.contains("training.accumulate") == true
    }
    #expect(throws: SpecFaults.self) {
      try SpecCheck(LocalCatalogue(folder: folder.url), threads: 1, memoryBudget: 1 << 20).accept(document)
    }
  }
}
