import Foundation
import JSON
import Jobs
import Models
import TensorEngine
import Testing

@Suite("A spec that names weights and no network")
struct RestoredNetworkTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private var check: SpecCheck { SpecCheck(LocalCatalogue(folder: folder.url)) }

  private static let card = ModelCard(
    model: ModelDescription(
      .layers([.conv(filters: 4, kernel: 3), .relu, .flatten, .linear(units: 10)]), normalization: Normalization(mean: [0.3], std: [0.5])),
    input: [8, 8, 1], classes: 10)

  private func spec(_ model: JSONValue) -> JSONValue {
    Specs.quick.setting("/model", to: model).setting("/kind", to: "evaluate").setting("/training", to: .null)
  }

  @Test("means the network of a checkpoint, with its normalisation")
  func checkpoint() throws {
    let file = folder.url.appendingPathComponent("checkpoint.safetensors")
    let weights = Weights(try Self.card.graph().layout, seed: 1)
    try Safetensors(weights, metadata: Self.card.metadata()).encoded().write(to: file)
    let accepted = try check.accept(spec(["init": .string(file.path)]), origin: .commandLine)
    #expect(accepted.spec.model.description == Self.card.model)
    #expect(try accepted.graph == Self.card.graph())
  }

  @Test("means the graph of an ONNX file")
  func onnx() throws {
    let file = folder.url.appendingPathComponent("net.onnx")
    try ONNXWriter.encoded(Self.card, Weights(Self.card.graph().layout, seed: 1)).write(to: file)
    let accepted = try check.accept(spec(["init": .string(file.path)]), origin: .commandLine)
    guard case .nodes(let nodes) = accepted.spec.model.description.architecture else { throw CocoaError(.fileReadCorruptFile) }
    #expect(nodes.count > 5)
    #expect(accepted.graph.layout.parameters.filter(\.isTrained).map(\.name) == ["0.weight", "0.bias", "3.weight", "3.bias"])
  }

  @Test("is told to name one where the file does not describe it, and of an ONNX file that cannot be used")
  func refuses() throws {
    let file = folder.url.appendingPathComponent("weights.safetensors")
    try Safetensors(Weights(Self.card.graph().layout, seed: 1)).encoded().write(to: file)
    let faults = #expect(throws: SpecFaults.self) { try check.accept(spec(["init": .string(file.path)]), origin: .commandLine) }
    #expect(faults?.faults.map(\.pointer) == ["/model/architecture"])
    let damaged = folder.url.appendingPathComponent("damaged.onnx")
    try Data("nothing".utf8).write(to: damaged)
    let told = #expect(throws: SpecFaults.self) {
      try check.accept(spec(["architecture": "linear", "init": .string(damaged.path)]), origin: .commandLine)
    }
    #expect(told?.faults.map(\.pointer) == ["/model/init"])
  }
}
