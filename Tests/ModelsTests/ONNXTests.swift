import Foundation
import JSON
import Models
import TensorEngine
import Testing

@Suite("ONNX")
struct ONNXTests {
  private static let fixtures = ONNXFixture.all

  @Test("there are networks of every opset from 7 on") func fixturesAreThere() { #expect(Self.fixtures.count > 90) }

  @Test("a file gives the logits and the input gradients of PyTorch", arguments: fixtures)
  func agreesWithPyTorch(fixture: ONNXFixture) throws {
    let network = try ONNXNetwork(fixture.file)
    let images = fixture.images(network.card.input)
    let expected = fixture.expectedGradient(network.card.input)
    let run = try ONNXRun(network.card, network.weights, images, seed: expected?.seed)
    #expect(distance(run.logits.values, fixture.expectedLogits) < 1e-4)
    if let expected { #expect(distance(run.gradient.values, expected.gradient.values) < 1e-4) }
  }

  @Test("a network that is written and read again has the same weights to the bit, and the same logits", arguments: fixtures)
  func roundTrips(fixture: ONNXFixture) throws {
    let first = try ONNXNetwork(fixture.file)
    let second = try ONNXNetwork(ONNXWriter.encoded(first.card, first.weights))
    func bits(_ network: ONNXNetwork) -> Set<[UInt32]> { Set(network.weights.entries.map { $0.tensor.values.map(\.bitPattern) }) }
    #expect(bits(second) == bits(first))
    let images = fixture.images(first.card.input)
    let runs = try [first, second].map { try ONNXRun($0.card, $0.weights, images) }
    #expect(distance(runs[1].logits.values, runs[0].logits.values) < 1e-5)
    #expect(distance(runs[1].gradient.values, runs[0].gradient.values) < 1e-4)
  }

  private static let presets: [(String, [String: JSONValue], Shape)] = [
    ("linear", [:], [8, 8, 1]), ("mlp", ["hidden": [9]], [6]), ("lenet", [:], [8, 8, 3]), ("madry_cnn", [:], [8, 8, 1]),
    ("preact_resnet18", ["width": 4], [8, 8, 3]), ("resnet18", ["width": 4], [64, 64, 3]),
    ("wide_resnet", ["depth": 10, "width": 1], [8, 8, 3]), ("mobilenet_v2", [:], [32, 32, 3]), ("efficientnet_lite0", [:], [32, 32, 3]),
    ("vit_tiny", ["depth": 2, "width": 24], [8, 8, 3]),
  ]

  @Test("a preset comes back from ONNX with its weights under their names", arguments: presets.indices)
  func presetsRoundTrip(_ index: Int) throws {
    let (name, parameters, image) = Self.presets[index]
    let normalization =
      image.rank == 3 ? Normalization(mean: [Float](repeating: 0.4, count: image[2]), std: [Float](repeating: 0.3, count: image[2])) : nil
    let card = ModelCard(
      model: ModelDescription(.preset(name, parameters: parameters), normalization: normalization), input: image, classes: 5)
    let weights = Weights(try card.graph().layout, seed: 3)
    let back = try ONNXNetwork(ONNXWriter.encoded(card, weights))
    for entry in weights.entries {
      let own = try #require(back.weights[entry.name], "\(entry.name)")
      #expect(own.values.map(\.bitPattern) == entry.tensor.values.map(\.bitPattern), "\(entry.name)")
    }
    var random = RandomStream(seed: 4, purpose: .sample)
    let images = Tensor(image.batched(2), values: random.uniforms(0, 1, count: 2 * image.count))
    let runs = [try ONNXRun(card, weights, images), try ONNXRun(back.card, back.weights, images)]
    #expect(distance(runs[1].logits.values, runs[0].logits.values) < 1e-4)
    #expect(distance(runs[1].gradient.values, runs[0].gradient.values) < 1e-3)
  }

  @Test("every preset is among those that go to ONNX and back") func allPresetsAreTested() {
    #expect(Set(Self.presets.map(\.0)) == Set(Preset.all.map(\.name)))
  }

  @Test("preprocessing without a form in ONNX is refused by name, the others are written")
  func preprocessing() throws {
    func encoded(_ steps: [Preprocessing]) throws -> Data {
      let card = ModelCard(model: ModelDescription(.preset("linear"), preprocessing: steps), input: [8, 8, 3], classes: 4)
      return try ONNXWriter.encoded(card, Weights(try card.graph().layout, seed: 1))
    }
    let error = #expect(throws: ONNXError.self) { try encoded(Preprocessed.all) }
    #expect(error?.description.contains("median, jpeg, noise") == true)
    let written = try Preprocessing.list([["type": "bit_depth", "bits": 4], ["type": "gaussian_blur", "sigma": 0.7]])
    // It comes back as the same function, and with the gradient that passes through the rounding.
    let card = ModelCard(model: ModelDescription(.preset("linear"), preprocessing: written), input: [8, 8, 3], classes: 4)
    let (weights, back) = (Weights(try card.graph().layout, seed: 1), try ONNXNetwork(encoded(written)))
    var random = RandomStream(seed: 4, purpose: .sample)
    let images = Tensor(card.input.batched(2), values: random.uniforms(0, 1, count: 2 * card.input.count))
    let runs = [try ONNXRun(card, weights, images), try ONNXRun(back.card, back.weights, images)]
    #expect(distance(runs[1].logits.values, runs[0].logits.values) < 1e-4)
    #expect(distance(runs[1].gradient.values, runs[0].gradient.values) < 1e-4)
  }

  @Test("patterns of nodes become the operation that they stand for")
  func patterns() throws {
    func types(_ name: String, _ opset: String) throws -> Set<String> {
      let fixture = try #require(Self.fixtures.first { $0.testDescription == "\(name), \(opset)" })
      guard case .nodes(let nodes) = try ONNXNetwork(fixture.file).card.model.architecture else { return [] }
      return Set(nodes.map(\.type))
    }
    #expect(try types("sigmoid, tanh, silu", "opset 17").contains("silu"))
    #expect(try types("gelu", "opset 17").isSuperset(of: ["gelu"]) && !types("gelu", "opset 17").contains("erf"))
    #expect(try types("layer norm, layer scale", "opset 13").contains("layer_norm"))
    #expect(try types("transformer", "opset 14").isDisjoint(with: ["erf", "sqrt"]))
    for (name, exporter) in [
      ("transformer", "opset 14"), ("transformer", "opset 17"), ("transformer, fused", "opset 14"), ("transformer, fused", "opset 17"),
      ("transformer, fused", "dynamo"), ("attention of layers apart", "opset 17"),
    ] {
      let found = try types(name, exporter)
      #expect(found.contains("attention") && found.isDisjoint(with: ["matmul", "softmax"]), "\(name), \(exporter): \(found)")
    }
    for exporter in ["opset 17", "dynamo"] {
      let found = try types("squeeze-and-excite, folded batch norm", exporter)
      #expect(found.isDisjoint(with: ["permute", "batch_norm"]), "\(exporter): \(found)")
    }
  }

  @Test("a folded batch norm and a softmax that is left out are told, and nothing else is")
  func notices() throws {
    for fixture in Self.fixtures {
      let codes = try ONNXNetwork(fixture.file).notices.map(\.code)
      let expected =
        fixture.name.contains("folded batch norm")
        ? ["batch_norm_folded"] : fixture.name.contains("softmax at the end") ? ["softmax_removed"] : []
      #expect(codes == expected, "\(fixture.testDescription)")
    }
  }

  @Test("an imported network is stored with its description, and reads as itself")
  func storesItself() throws {
    let network = try ONNXNetwork(try #require(Self.fixtures.first { $0.name == "transformer, fused" }).file)
    let file = try Safetensors(network.encoded())
    #expect(try ModelCard(metadata: file.metadata) == network.card)
    #expect(file.weights == network.weights)
    let graph = try network.card.graph()
    let document = try JSONValue(parsing: Array((file.metadata["temper.architecture"] ?? "").utf8))
    let reader = FieldReader()
    let values = reader.object(document, as: ModelDescription.Architecture.object("Model", ""))
    #expect(reader.log.faults.isEmpty)
    #expect(try ModelDescription(ModelDescription.Architecture(values)).graph(input: network.card.input, classes: 5) == graph)
    #expect(throws: ModelError.self) { try network.card.model.graph(input: [8, 8, 3], classes: 5) }
    // The last linear layer is of the classes that are asked for, so that it may begin anew.
    #expect(try network.card.model.graph(input: network.card.input, classes: 3).outputShape == [3])
  }

  @Test("a network as nodes is refused with the place and the name of what does not fit")
  func refusesNodes() throws {
    func error(_ nodes: JSONValue) throws -> ModelError? {
      let reader = FieldReader()
      let values = reader.object(["nodes": nodes], as: ModelDescription.Architecture.object("Model", ""))
      #expect(reader.log.faults.isEmpty)
      do throws(ModelError) {
        _ = try ModelDescription(ModelDescription.Architecture(values)).graph(input: [4, 4, 1], classes: 2)
        return nil
      } catch {
        return error
      }
    }
    let start: JSONValue = ["type": "input", "name": "image", "shape": [4, 4, 1]]
    let flat: JSONValue = ["type": "flatten", "name": "flat"]
    let end: JSONValue = ["type": "linear", "name": "head", "units": 2]
    #expect(try error([start, flat, end]) == nil)
    #expect(try error([["type": "input", "name": "image", "shape": [4, 4, 3]], flat, end])?.pointer == "/nodes/0")
    #expect(
      try error([start, ["type": "add", "name": "sum", "inputs": ["image", "later"]], end])?.description.contains("no node \"later\"")
        == true)
    #expect(try error([start, start, end])?.description.contains("two nodes") == true)
    #expect(try error([start, ["type": "add", "name": "sum", "inputs": ["image"]], end])?.description.contains("reads 2 nodes") == true)
    // Without inputs it reads the node before it, which is not enough for these.
    for kind in ["add", "subtract", "multiply", "divide", "matmul"] {
      let found = try error([start, ["type": .string(kind), "name": "n"], flat, end])
      #expect(found?.pointer == "/nodes/1" && found?.description.contains("not 1: inputs names them") == true, "\(kind)")
    }
    #expect(try error([start, flat])?.pointer == "/nodes")
    #expect(try error([start, ["type": "reshape", "name": "r", "shape": [3]], end])?.pointer == "/nodes/1")
    #expect(try error([start, ["type": "weight", "name": "w", "shape": [268_435_456, 268_435_456]], end])?.pointer == "/nodes/1")
  }
}
