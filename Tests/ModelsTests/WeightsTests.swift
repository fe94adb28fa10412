import Models
import TensorEngine
import Testing

@Suite("Weights")
struct WeightsTests {
  private let layout = ParameterLayout([
    ParameterSpecification(name: "0.weight", shape: [2, 3], initial: .uniform(fanIn: 3)),
    ParameterSpecification(name: "0.bias", shape: [2], initial: .uniform(fanIn: 3)),
  ])
  private let weight = Tensor([2, 3], values: [1, 2, 3, 4, 5, 6])
  private let bias = Tensor([2], values: [7, 8])

  private func weights(_ entries: (String, Tensor)...) -> Weights { Weights(entries.map { .init(name: $0.0, tensor: $0.1) }) }

  @Test("names are matched in whatever order they come") func matchesNames() throws {
    #expect(try weights(("0.bias", bias), ("0.weight", weight)).tensors(for: layout) == [weight, bias])
  }

  @Test("the prefixes of PyTorch's wrappers are taken off when every name has them", arguments: ["module.", "model.", "module.model."])
  func takesPrefixesOff(prefix: String) throws {
    #expect(try weights((prefix + "0.weight", weight), (prefix + "0.bias", bias)).tensors(for: layout) == [weight, bias])
  }

  @Test("a prefix on some of the names stays and is reported") func keepsPartialPrefixes() {
    let error = #expect(throws: WeightsError.self) { try weights(("module.0.weight", weight), ("0.bias", bias)).tensors(for: layout) }
    #expect(error?.faults == ["0.weight [2, 3] is missing", "module.0.weight is not part of the network"])
  }

  @Test("everything that does not fit is reported at once") func reportsEverything() {
    let error = #expect(throws: WeightsError.self) {
      try weights(("0.weight", Tensor(zeros: [3, 2])), ("1.bias", bias), ("0.scale", bias)).tensors(for: layout)
    }
    #expect(
      error?.faults == [
        "0.weight is [3, 2], the network needs [2, 3]", "0.bias [2] is missing", "0.scale is not part of the network",
        "1.bias is not part of the network",
      ])
  }

  @Test("values that are not finite are refused", arguments: [Float.nan, .infinity, -.infinity])
  func refusesValuesThatAreNotFinite(value: Float) {
    let error = #expect(throws: WeightsError.self) {
      try weights(("0.weight", weight), ("0.bias", Tensor([2], values: [0, value]))).tensors(for: layout)
    }
    #expect(error?.faults == ["0.bias holds values that are not finite"])
  }

  @Test("no weights at all are reported as missing") func reportsEmptiness() {
    #expect(throws: WeightsError.self) { try Weights([]).tensors(for: layout) }
  }
}

@Suite("Initialization")
struct InitializationTests {
  private func layout(_ fanIn: Int) -> ParameterLayout {
    ParameterLayout([
      ParameterSpecification(name: "0.weight", shape: [40, fanIn], initial: .uniform(fanIn: fanIn)),
      ParameterSpecification(name: "0.bias", shape: [1_000], initial: .uniform(fanIn: fanIn)),
    ])
  }

  @Test("weights and biases are uniform within one over the root of the fan-in", arguments: [1, 25, 784])
  func isUniform(fanIn: Int) {
    for entry in Weights(layout(fanIn), seed: 3).entries where entry.tensor.values.count >= 1_000 {
      let bound = 1 / Double(fanIn).squareRoot()
      let values = entry.tensor.values.map(Double.init)
      let count = Double(values.count)
      // Five standard errors of the mean and of the mean square of a uniform distribution.
      #expect(values.allSatisfy { abs($0) <= bound })
      #expect(abs(values.reduce(0, +) / count) < 5 * bound / (3 * count).squareRoot())
      #expect(abs(values.reduce(0) { $0 + $1 * $1 } / count - bound * bound / 3) < 5 * bound * bound * (4 / 45 / count).squareRoot())
      #expect(values.max()! > 0.98 * bound && values.min()! < -0.98 * bound)
    }
  }

  @Test("the same seed gives the same weights, another seed and another parameter others") func dependsOnSeedAndPosition() {
    let same = ParameterLayout(
      ["0.weight", "1.weight"].map { ParameterSpecification(name: $0, shape: [4, 4], initial: .uniform(fanIn: 4)) })
    let weights = Weights(same, seed: 1)
    #expect(weights == Weights(same, seed: 1))
    #expect(weights["0.weight"] != Weights(same, seed: 2)["0.weight"])
    #expect(weights["0.weight"] != weights["1.weight"])
    #expect(Set(weights.entries.flatMap(\.tensor.values)).count > 30)
  }
}
