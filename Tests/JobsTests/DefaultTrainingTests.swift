import Foundation
import JSON
import Jobs
import TensorEngine
import Testing

@Suite("A training that the spec leaves open") struct DefaultTrainingTests {
  private func accepted(_ training: JSONValue?, model: JSONValue = ["architecture": "lenet"]) throws -> SpecCheck.Accepted {
    let document = Specs.smallest.setting("/model", to: model).setting("/training", to: training)
    return try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document)
  }

  private func training(_ given: JSONValue?, model: JSONValue = ["architecture": "lenet"]) throws -> JSONValue {
    try #require(try accepted(given, model: model).spec.json["training"])
  }

  @Test(
    "is chosen by the kind of the network",
    arguments: [
      (["architecture": "lenet"], "adam", 0.002, 64, 0.0), (["architecture": "mlp"], "adam", 0.002, 64, 0),
      (["architecture": "resnet18", "width": 8], "adam", 0.001, 64, 0.1), (["architecture": "vit_tiny"], "adamw", 0.0005, 32, 0.1),
    ] as [(JSONValue, String, Double, Int, Double)])
  func kinds(_ model: JSONValue, _ optimizer: String, _ rate: Double, _ batch: Int, _ warmup: Double) throws {
    for given: JSONValue? in [nil, [:], ["method": "trades"]] {
      let chosen = try training(given, model: model)
      #expect(chosen["optimizer"]?["name"]?.string == optimizer && chosen["optimizer"]?["learning_rate"]?.double == rate)
      #expect(chosen["batch_size"]?.integer == batch && chosen["learning_rate_warmup"]?.double == warmup)
      #expect(chosen["clip_norm"]?.double == 1 && chosen["epsilon_warmup"]?.double == 0.4)
    }
  }

  @Test("has as many updates on many images as on few, within bounds, and the spec says why") func length() throws {
    // Of 1,437 images 1,294 are learnt from, in 21 updates an epoch: the most epochs.
    let whole = try accepted(nil)
    #expect(whole.spec.json["training"]?["epochs"] == 60 && whole.spec.json["training"]?["base_epochs"] == 6)
    #expect(whole.estimateJSON["training"]?["reason"]?.string?.contains("60 epochs of 21 updates are 1260") == true)
    // Of batches of 8 there are 162 an epoch.
    let small = try training(["batch_size": 8])
    #expect(small["epochs"] == 13 && small["base_epochs"] == 1 && small["batch_size"] == 8)
    #expect(try training(["batch_size": 1])["epochs"] == 10)
    let some = try training(["base_epochs": 3])
    #expect(some["base_epochs"] == 3 && some["epochs"] == 60)
  }

  @Test("is left alone beside an optimiser that the spec names") func named() throws {
    let given = try training(["optimizer": ["name": "sgd"], "epochs": 5])
    #expect(given["clip_norm"] == .null && given["epsilon_warmup"]?.double == 0 && given["learning_rate_warmup"]?.double == 0)
    #expect(given["batch_size"] == 128 && given["base_epochs"] == 2 && given["epochs"] == 5)
    #expect(try accepted(["optimizer": ["name": "sgd"], "epochs": 5]).estimateJSON["training"] == nil)
    #expect(try training(["optimizer": ["name": "sgd"]])["epochs"] == 60)
  }

  @Test("keeps what the spec names, and warms nothing up that is not attacked") func kept() throws {
    let given = try training(["clip_norm": 5, "epsilon_warmup": 0, "schedule": ["name": "one_cycle"]], model: ["architecture": "resnet18"])
    #expect(given["clip_norm"]?.double == 5 && given["epsilon_warmup"]?.double == 0 && given["learning_rate_warmup"]?.double == 0)
    #expect(try training(["method": "standard"])["epsilon_warmup"]?.double == 0)
    #expect(try training(["attack": ["source": "base"]])["epsilon_warmup"]?.double == 0)
  }

  @Test("stands for a method and averaged weights where a recipe is named, and what is given stays") func recipes() throws {
    for (name, method) in [("fast", "nfgsm"), ("strong", "pgd")] {
      let accepted = try accepted(["recipe": .string(name), "epochs": 3])
      let chosen = accepted.spec.json["training"]
      #expect(chosen?["method"]?.string == method && chosen?["average"]?["ema"]?.double == 0.995 && chosen?["epochs"] == 3)
      #expect(chosen?["recipe"] == nil && chosen?["optimizer"]?["name"] == "adam")
      let reason = try #require(accepted.estimateJSON["training"]?["reason"]?.string)
      #expect(reason.hasPrefix("The recipe \(name) is the method \(method) with averaged weights. A network without normalisation"))
    }
    #expect(try training(["recipe": "fast", "average": ["ema": 0.9]])["average"]?["ema"]?.double == 0.9)
    #expect(try training(["recipe": "strong", "attack": ["name": "pgd", "steps": 3]])["attack"]?["steps"] == 3)
  }

  @Test(
    "refuses a recipe that there is not, one beside a method, and what the recipe's method has no place for",
    arguments: [
      (["recipe": "fats"], "/training/recipe", "fast"), (["recipe": "fast", "method": "pgd"], "/training/recipe", "leave recipe out"),
      (["recipe": "fast", "attack": ["name": "square"]], "/training/attack/name", "pgd"),
    ] as [(JSONValue, String, String)])
  func faultyRecipes(_ training: JSONValue, _ pointer: String, _ words: String) {
    let error = #expect(throws: SpecFaults.self) { try accepted(training) }
    #expect(error?.faults.contains { $0.pointer == pointer && $0.detail.contains(words) } == true, "\(String(describing: error))")
  }

  @Test("is warned of before it runs: too few updates, a validation part to choose by chance from, weak images") func mistakes() throws {
    func codes(_ training: JSONValue, _ dataset: JSONValue = ["id": "digits"]) throws -> [String] {
      let document = Specs.smallest.setting("/training", to: training).setting("/dataset", to: dataset)
      return try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(document).warnings.map(\.code)
    }
    #expect(try codes([:]).isEmpty)
    #expect(try codes(["epochs": 5]) == ["few_updates"])
    #expect(try codes([:], ["id": "digits", "validation_fraction": 0.05]) == ["small_validation"])
    #expect(try codes([:], ["id": "digits", "validation_fraction": 0]) == ["no_validation"])
    #expect(try codes(["attack": ["name": "pgd", "steps": 1, "step_size": 0.001]]) == ["too_few_adversarial_examples"])
    #expect(try codes(["epochs": 200], ["id": "digits", "limit": 500]).contains("too_few_adversarial_examples"))
  }

  @Test("is the same when its completed spec is submitted again") func again() throws {
    let spec = try accepted(nil).spec
    let twice = try SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/"))).accept(spec.json).spec
    #expect(twice == spec)
  }
}
