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

  @Test(
    "the prefixes of PyTorch's wrappers are taken off, nested, mixed, and on some of the names",
    arguments: [
      ["module.0.weight", "module.0.bias"], ["model.0.weight", "model.0.bias"], ["net.0.weight", "net.0.bias"],
      ["_orig_mod.0.weight", "_orig_mod.0.bias"], ["module.model.0.weight", "module.model.0.bias"],
      ["_orig_mod.module.net.0.weight", "module._orig_mod.0.bias"], ["module.0.weight", "0.bias"],
      ["0._orig_mod.weight", "0._orig_mod.bias"],
      ["0.weight", "0.bias", "n_averaged", "0.num_batches_tracked"], ["module.0.weight", "module.0.bias", "n_averaged"],
    ])
  func takesPrefixesOff(names: [String]) throws {
    let tensors = names.map { name in name.hasSuffix("weight") ? weight : name.hasSuffix("bias") ? bias : Tensor([1], values: [3]) }
    let given = Weights(zip(names, tensors).map { .init(name: $0, tensor: $1) })
    #expect(try given.tensors(for: layout) == [weight, bias])
    #expect(try given.outline.fit(layout).notices.isEmpty)
  }

  @Test(
    "what else is in a file is told, or is a fault where the file means another function",
    arguments: [
      (
        ["attacker.model.0.weight", "attacker.model.0.bias"],
        "The file holds the network more than once, also as attacker.model.*; one of them is used."
      ),
      (["module.0.weight", "module.0.bias"], "The file holds the network more than once, also as module.*; one of them is used."),
      (["normalize.mean", "normalize.std"], "what looks like the normalisation of the images (normalize.mean, normalize.std)"),
      (["mu", "sigma"], "what looks like the normalisation of the images (mu, sigma)"),
      (["aux.weight", "ema.step"], "2 tensors of the file are of no layer of the network, and are not used: aux.weight, ema.step."),
      (["0.scale"], nil), (["2.weight"], nil), (["module.2.weight"], nil),
    ] as [([String], String?)])
  func extraTensors(names: [String], notice: String?) throws {
    let extras = names.map { Weights.Entry(name: $0, tensor: Tensor([1], values: [1])) }
    let given = Weights([.init(name: "0.weight", tensor: weight), .init(name: "0.bias", tensor: bias)] + extras)
    guard let notice else {
      let error = #expect(throws: WeightsError.self) { try given.tensors(for: layout) }
      #expect(error?.faults == names.map { "\($0) is not part of the network" })
      return
    }
    let fit = try given.outline.fit(layout)
    #expect(fit.places == [0, 1] && fit.notices.count == 1)
    #expect(fit.notices.first?.contains(notice) == true, "\(fit.notices)")
    #expect(try given.tensors(for: layout) == [weight, bias])
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
