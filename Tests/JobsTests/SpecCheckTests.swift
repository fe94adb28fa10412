import JSON
import Datasets
import Foundation
import Jobs
import Models
import TensorEngine
import Testing

@Suite struct SpecCheckTests {
  private func faults(_ document: JSONValue) -> [FieldFault] {
    do {
      _ = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document, origin: .commandLine)
      return []
    } catch {
      return error.faults
    }
  }

  @Test("a layer that does not fit is named by its place")
  func layer() {
    let layers: JSONValue = [
      ["type": "conv", "filters": 4, "kernel": 3], ["type": "relu"], ["type": "conv", "filters": 4, "kernel": 9], ["type": "flatten"],
      ["type": "linear", "units": 10],
    ]
    let found = faults(Specs.smallest.setting("/model", to: ["layers": layers]))
    #expect(found.map(\.pointer) == ["/model/layers/2"])
    #expect(found.map(\.code) == [.doesNotFit])
  }

  @Test("a network that ends in another number of classes is refused")
  func classes() {
    let layers: JSONValue = [["type": "flatten"], ["type": "linear", "units": 11]]
    #expect(faults(Specs.smallest.setting("/model", to: ["layers": layers])).map(\.pointer) == ["/model/layers/1"])
  }

  @Test("a precision that this machine has no kernels for is refused at submission")
  func precision() {
    for precision in Precision.allCases where !Processor.precisions.contains(precision) {
      let found = faults(Specs.smallest.setting("/precision", to: .string(precision.rawValue)))
      #expect(found.map(\.pointer) == ["/precision"])
      #expect(found.map(\.code) == [.notSupported])
      #expect(found.allSatisfy { $0.detail.contains("available: fp32") })
    }
    #expect(faults(Specs.smallest.setting("/precision", to: "fp32")) == [])
  }

  @Test("an evaluation names no precision that it does not use")
  func evaluationPrecision() {
    let document = Specs.smallest.setting("/kind", to: "evaluate").setting("/precision", to: "mixed")
    #expect(faults(document).contains { $0.pointer == "/precision" && $0.code == .conflict && $0.detail.contains("fp32") })
    #expect(!faults(document.setting("/precision", to: "fp32")).contains { $0.pointer == "/precision" })
  }

  @Test("a gate on a class that is not there is told which there are")
  func gateOnAClass() {
    let found = faults(Specs.smallest.setting("/gates", to: [["metric": "clean_accuracy", "class": "cat", "min": 0.5]]))
    #expect(found.map(\.pointer) == ["/gates/0/class"] && found.map(\.code) == [.notFound])
    #expect(found.first?.detail.contains("0, 1, 2") == true)
    #expect(faults(Specs.smallest.setting("/gates", to: [["metric": "clean_accuracy", "class": "7", "min": 0.5]])) == [])
  }

  @Test("batch norm over one image with one value for each channel is refused")
  func singleValue() {
    let layers: JSONValue = [
      ["type": "flatten"], ["type": "linear", "units": 8], ["type": "batch_norm"], ["type": "linear", "units": 10],
    ]
    let document = Specs.smallest.setting("/model", to: ["layers": layers])
    #expect(faults(document.setting("/training/batch_size", to: 1)).map(\.pointer) == ["/training/batch_size"])
    #expect(faults(document.setting("/training/batch_size", to: 2)) == [])
    #expect(faults(Specs.smallest.setting("/training/batch_size", to: 1)) == [])
  }

  @Test("a baseline by labels of which no job succeeded is not found")
  func unknownLabels() {
    let found = faults(Specs.smallest.setting("/evaluation/baseline", to: ["label.branch": "main"]))
    #expect(found.map(\.pointer) == ["/evaluation/baseline"] && found.map(\.code) == [.notFound])
  }

  @Test("a job that takes more memory than there may be is refused with both figures")
  func memory() throws {
    let catalogue = LocalCatalogue(folder: URL(fileURLWithPath: "/"))
    let bytes = try SpecCheck(catalogue).accept(Specs.quick).footprint.peakBytes
    #expect(throws: Never.self) { try SpecCheck(catalogue, memoryBudget: bytes).accept(Specs.quick) }
    let error = try #require(throws: SpecFaults.self) { try SpecCheck(catalogue, memoryBudget: bytes - 1).accept(Specs.quick) }
    #expect(error.faults.map(\.pointer) == ["/training"])
    #expect(error.faults[0].detail.contains("\((Double(bytes) / 1e6).rounded().formatted()) MB"))
  }

  @Test("an unknown data set and unknown weights are refused")
  func unknown() {
    #expect(faults(Specs.smallest.setting("/dataset/id", to: "ds_x")).map(\.code) == [.notFound])
    let found = faults(Specs.smallest.setting("/model/init", to: "mdl_x").setting("/evaluation/baseline", to: "mdl_y"))
    #expect(found.map(\.pointer) == ["/model/init", "/evaluation/baseline"])
    #expect(found.allSatisfy { $0.code == .notFound })
  }

  @Test("weights of another shape are refused, with what does not fit")
  func otherShape() throws {
    let folder = try TestFolder()
    let other = try ModelDescription(.preset("linear")).graph(input: [5, 5, 1], classes: 10)
    let file = folder.url.appendingPathComponent("other.safetensors")
    try Safetensors(Weights(other.layout, seed: 1)).encoded().write(to: file)
    let found = faults(Specs.smallest.setting("/model/init", to: .string(file.path)))
    #expect(found.map(\.pointer) == ["/model/init"])
    #expect(found.map(\.code) == [.doesNotFit])
  }

  @Test("faults of the document and of the network come together")
  func together() {
    let layers: JSONValue = [["type": "flatten"], ["type": "linear", "units": 11]]
    let found = faults(Specs.smallest.setting("/model", to: ["layers": layers]).setting("/seed", to: -1))
    #expect(Set(found.map(\.pointer)) == ["/seed", "/model/layers/1"])
  }

  @Test("the estimate counts what the spec asks for")
  func estimate() throws {
    let document = Specs.quick.setting("/dataset/validation_fraction", to: 0)
    let accepted = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document)
    // 200 images in batches of 64, two epochs.
    #expect(accepted.estimate.steps == 8)
    // Two updates of 200, two attack steps on 200, and three on 50 for two models.
    #expect(accepted.estimate.gradientEvaluations == 400 + 400 + 300)
    #expect(accepted.estimate.parameters == 650)
    // 64 × 10 products and as many sums: three passes for an update, two for an attack step, and the clean look.
    let passes = 3 * 400 + 2 * 400 + 2 * 300 + 100
    #expect(accepted.estimate.floatingPointOperations == Double(1_280 * passes))
    #expect(accepted.footprint.jobBytes > 650 * 4 * 5)
  }

  @Test("the estimate counts every view of an example, and what its attack compares with")
  func estimateOfViews() throws {
    let document = Specs.quick.setting("/dataset/validation_fraction", to: 0).setting("/training/method", to: "trades")
    let accepted = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document)
    // An update of 200, one of 200 in two views, two attack steps on 200, and three on 50 for two models.
    #expect(accepted.estimate.gradientEvaluations == 200 + 400 + 400 + 300)
    let plain = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/")))
      .accept(Specs.quick.setting("/dataset/validation_fraction", to: 0))
    // 650 products and sums for each of three passes of a further view, and a look at the clean images.
    let forward = plain.estimate.floatingPointOperations / (3 * 400 + 2 * 400 + 2 * 300 + 100)
    #expect(accepted.estimate.floatingPointOperations - plain.estimate.floatingPointOperations == forward * (3 * 200 + 200))
    #expect(accepted.footprint.jobBytes > plain.footprint.jobBytes)
  }

  /// An update of 200 clean images, and then the method's: by example, gradients and passes beside the clean looks and the evaluation.
  static let costs: [(method: JSONValue, gradients: Int, passes: Int)] = [
    (["method": "nfgsm"], 2, 5), (["method": "free", "settings": ["replays": 1]], 1, 3),
    (["method": "mart", "attack": ["steps": 2]], 4, 10),
    (["method": "awp", "attack": ["steps": 2]], 4, 10),
    (["method": "awp", "attack": ["steps": 2], "settings": ["on": "trades", "warmup_epochs": 0]], 6, 17),
    (["method": "gradalign"], 1 + 1 + 2 + 2, 2 + 3 + 6 + 8), (["method": "input_gradient"], 1 + 2, 3 + 8),
  ]

  @Test("the estimate counts what each method asks of the network", arguments: costs)
  func estimateOfMethods(_ row: (method: JSONValue, gradients: Int, passes: Int)) throws {
    func estimate(_ training: JSONValue) throws -> SpecCheck.Accepted {
      let document = Specs.quick.setting("/dataset/validation_fraction", to: 0)
        .setting("/training", to: training.setting("/base_epochs", to: 0).setting("/epochs", to: 1).setting("/batch_size", to: 50))
      return try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document)
    }
    let (standard, method) = (try estimate(["method": "standard"]), try estimate(row.method))
    #expect(method.estimate.steps == standard.estimate.steps)
    #expect(method.estimate.gradientEvaluations - standard.estimate.gradientEvaluations == 200 * (row.gradients - 1))
    let forward = 1_280.0
    #expect(
      method.estimate.floatingPointOperations - standard.estimate.floatingPointOperations == forward * 200 * Double(row.passes - 3))
  }

  @Test("passes of free are rounded up to whole visits")
  func estimateOfReplays() throws {
    func steps(_ epochs: Int) throws -> Int {
      let training: JSONValue = ["method": "free", "base_epochs": 0, "epochs": .int(Int64(epochs)), "batch_size": 50]
      let document = Specs.quick.setting("/dataset/validation_fraction", to: 0).setting("/training", to: training)
      return try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document).estimate.steps
    }
    #expect(try [1, 8, 9].map(steps) == [8 * 4, 8 * 4, 16 * 4])
  }

  @Test("a method of second order takes no gradient that cannot be differentiated again, and no bfloat16 for its weights")
  func secondOrder() throws {
    func faults(_ pointer: String, _ value: JSONValue) -> [FieldFault] {
      let document = Specs.quick.setting("/training", to: ["method": "gradalign"]).setting(pointer, to: value)
      do {
        _ = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document)
        return []
      } catch { return error.faults }
    }
    let jpeg = faults("/model/preprocessing", [["type": "jpeg", "quality": 80]])
    #expect(jpeg.map(\.pointer) == ["/model"] && jpeg[0].detail.contains("cannot be differentiated again"))
    #expect(faults("/model/preprocessing", [["type": "gaussian_blur", "sigma": 0.5]]).isEmpty)
    let half = faults("/precision", "bf16").filter { $0.code == .conflict }
    #expect(half.map(\.pointer) == ["/precision"] && half[0].detail.contains("choose mixed"))
  }

  /// Multiply-adds of one image of 224×224 and 1,000 classes, as torchvision's documentation gives them with its weights.
  static let published: [(String, Double)] = [("resnet18", 1.814e9), ("mobilenet_v2", 0.301e9)]

  @Test("a forward pass counts as many operations as torchvision says of the same network", arguments: published)
  func forwardPass(architecture: String, multiplyAdds: Double) throws {
    let graph = try ModelDescription(.preset(architecture)).graph(input: [224, 224, 3], classes: 1_000)
    let counted = graph.nodes.reduce(0) { sum, node in
      sum + node.operation.floatingPointOperations(inputs: node.inputs.map { graph[$0].shape }, output: node.shape)
    }
    #expect(abs(Double(counted) / 2 / multiplyAdds - 1) < 0.005, "\(counted)")
  }

  @Test("the footprint counts what the optimiser remembers twice: as it is, and as it is copied to be saved")
  func footprint() throws {
    func bytes(_ optimizer: JSONValue) throws -> Int {
      let document = Specs.quick.setting("/model/architecture", to: "mlp").setting("/training/optimizer", to: optimizer)
      return try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document).footprint.jobBytes
    }
    let parameters = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/")))
      .accept(Specs.quick.setting("/model/architecture", to: "mlp")).estimate.parameters
    let (momentum, adam) = (try bytes(["name": "sgd", "momentum": 0.9]), try bytes(["name": "adam"]))
    #expect(adam - momentum == 2 * 4 * parameters)
  }
}
