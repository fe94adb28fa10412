import Attacks
import Foundation
import JSON
import Testing

@Suite("Attack settings") struct AttackSettingsTests {
  private let threat = Threat(norm: .linf, epsilon: 0.3)

  @Test("step sizes default to what the papers use") func stepSizes() throws {
    func size(_ settings: AttackSettings) throws -> Double {
      try #require(settings.attack(for: threat, keep: .last).reach(in: .linf)) / Double(settings.steps)
    }
    #expect(try size(AttackSettings(.fgsm)) == 0.3)
    #expect(try size(AttackSettings(.fgsm, ["random_start": true])) == 0.375)
    #expect(try abs(size(AttackSettings(.pgd, ["steps": 40])) - 0.01875) < 1e-12)
    #expect(try abs(size(AttackSettings(.pgd, ["step_size": 0.01])) - 0.01) < 1e-12)
    #expect(try abs(size(AttackSettings(.adam)) - 0.01) < 1e-12)
    #expect(try abs(size(AttackSettings(.bim)) - 0.0375) < 1e-12)
    #expect(try abs(size(AttackSettings(.mifgsm)) - 0.03) < 1e-12)
  }

  @Test("an attack by itself says what it costs, an attack without randomness runs once") func cost() {
    func cost(_ settings: AttackSettings) -> AttackCost { settings.cost }
    #expect(cost(AttackSettings(.fgsm, ["restarts": 9])) == AttackCost(gradientEvaluations: 1))
    #expect(cost(AttackSettings(.fgsm, ["restarts": 9, "random_start": true])) == AttackCost(gradientEvaluations: 9))
    #expect(cost(AttackSettings(.pgd, ["steps": 7, "restarts": 3])) == AttackCost(gradientEvaluations: 21))
    #expect(cost(AttackSettings(.noise, ["steps": 5, "restarts": 3])) == AttackCost(forwardPasses: 12))
    #expect(cost(AttackSettings(.adam)) == AttackCost(gradientEvaluations: 10))
    #expect(cost(AttackSettings(.mifgsm)) == AttackCost(gradientEvaluations: 10))
    #expect(cost(AttackSettings(.apgdCE, ["restarts": 2])) == AttackCost(gradientEvaluations: 200, forwardPasses: 2))
    #expect(cost(AttackSettings(.apgdT)) == AttackCost(gradientEvaluations: 900, forwardPasses: 10))
    #expect(cost(AttackSettings(.rfgsm, ["restarts": 3])) == AttackCost(gradientEvaluations: 3))
    #expect(cost(AttackSettings(.square, ["restarts": 2])) == AttackCost(forwardPasses: 10_002))
    #expect(cost(AttackSettings(.fabT)) == AttackCost(gradientEvaluations: 900, forwardPasses: 901))
    // A minimal-distance attack's image is predicted where it was found, too.
    #expect(cost(AttackSettings(.deepfool)) == AttackCost(gradientEvaluations: 450, forwardPasses: 2))
    #expect(cost(AttackSettings(.cw)) == AttackCost(gradientEvaluations: 9000, forwardPasses: 1))
  }

  @Test("no run asks more of the model than the attack says", arguments: AttackCatalogue.all) func costHolds(definition: AttackDefinition) {
    // As many classes as any attack has targets.
    let classifier = LinearClassifier([2, 3, 1], classes: 12, seed: 2)
    let examples = rightly(randomImages(4, [2, 3, 1]), by: classifier)
    let settings = AttackSettings(quick: definition)
    let unmoved = Threat(norm: definition.norms[0], epsilon: 0)
    let spent = settings.adversary(for: unmoved, keep: .firstMisclassified).run(examples, of: classifier).cost
    // The caller predicts the result of each run.
    let most = AttackCost(
      gradientEvaluations: 4 * settings.cost.gradientEvaluations, forwardPasses: 4 * (settings.cost.forwardPasses + settings.runs))
    #expect(spent.gradientEvaluations <= most.gradientEvaluations && spent.forwardPasses <= most.forwardPasses)
    // Nothing is misclassified at epsilon 0, so a bounded attack ends nothing early; but there are only two classes to aim at.
    if definition.goal == .bounded, definition.field("targets") == nil { #expect(spent == most) }
  }

  @Test("names are there once, and every field that is fixed or has a default takes its default", arguments: AttackCatalogue.all)
  func wellFormed(definition: AttackDefinition) {
    #expect(AttackCatalogue.all.count { $0.name == definition.name } == 1)
    #expect(AttackCatalogue.definition(named: definition.name)?.summary == definition.summary)
    for field in definition.fields {
      #expect(definition.fields.count { $0.name == field.name } == 1)
      #expect(!field.help.isEmpty)
      if let value = field.default { #expect(field.type.normalised(value) == value) }
    }
  }

  @Test("a given step scales with the ball, a default one follows it by itself, a learning rate stays") func scaling() {
    #expect(AttackSettings(.pgd, ["step_size": 0.01]).scaled(from: threat, to: 0.15).stepSize == 0.005)
    #expect(AttackSettings(.pgd).scaled(from: threat, to: 0.15).stepSize == nil)
    #expect(AttackSettings(.adam, ["step_size": 0.02]).scaled(from: threat, to: 0.15).stepSize == 0.02)
  }

  @Test("a given step is one of the job's norm: in another the default stands") func otherNorms() {
    let euclidean = Threat(norm: .l2, epsilon: 2)
    #expect(
      AttackSettings(.pgd, ["step_size": 0.01, "steps": 7]).adapted(from: threat, to: euclidean) == AttackSettings(.pgd, ["steps": 7]))
    let larger = Threat(norm: .linf, epsilon: 0.6)
    #expect(AttackSettings(.pgd, ["step_size": 0.01]).adapted(from: threat, to: larger).stepSize == 0.02)
  }

  @Test("labels tell settings apart") func labels() {
    #expect(AttackSettings(.fgsm).label == "fgsm")
    #expect(AttackSettings(.fgsm, ["random_start": true]).label == "fgsm-random")
    #expect(AttackSettings(.pgd).label == "pgd-40")
    #expect(AttackSettings(.pgd, ["steps": 7, "random_start": false, "restarts": 5]).label == "pgd-fixed-7x5")
    #expect(AttackSettings(.noise).label == "noise")
    #expect(AttackSettings(.noise, ["steps": 100]).label == "noise-100")
    #expect(AttackSettings(.adam).label == "adam-10")
    #expect(AttackSettings(.bim).label == "bim-10")
    #expect(AttackSettings(.mifgsm).label == "mifgsm-10")
    #expect(AttackSettings(.mifgsm, ["decay": 0.5]).label == "mifgsm-10-decay0.5")
    #expect(AttackSettings(.apgdDLR, ["restarts": 5]).label == "apgd_dlr-100x5")
    #expect(AttackSettings(.apgdT).label == "apgd_t-100")
    #expect(AttackSettings(.apgdT, ["targets": 3]).label == "apgd_t-100-targets3")
    #expect(AttackSettings(.rfgsm).label == "rfgsm")
    #expect(AttackSettings(.square, ["queries": 100, "restarts": 2]).label == "square-100x2")
    #expect(AttackSettings(.fabT, ["targets": 3]).label == "fab_t-100-targets3")
    #expect(AttackSettings(.deepfool, ["overshoot": 0.5]).label == "deepfool-50-overshoot0.5")
    #expect(AttackSettings(.cw).label == "cw-1000")
    #expect(AttackSettings(.autoattack).label == "autoattack")
    #expect(AttackSettings(.autoattack, ["version": "rand"]).label == "autoattack")
    #expect(AttackSettings(.pgd, ["eot_samples": 20]).label == "pgd-40-eot_samples20")
    #expect(AttackSettings(.pgd, ["step_size": 0.01]).label == "pgd-40-step_size0.01")
  }

  @Test("JSON names are in snake case") func json() throws {
    let text = String(decoding: try JSONEncoder().encode(AttackSettings(.pgd, ["steps": 7, "step_size": 0.5])), as: UTF8.self)
    for key in ["\"name\":\"pgd\"", "\"steps\":7", "\"step_size\":0.5", "\"random_start\":true", "\"restarts\":1", "\"eot_samples\":1"] {
      #expect(text.contains(key))
    }
    #expect(text.filter { $0 == ":" }.count == 6)
  }

  @Test("what a report says of an attack reads as the same settings", arguments: AttackCatalogue.all)
  func roundTrip(definition: AttackDefinition) throws {
    let sized = definition.field("step_size") == nil ? [:] : ["step_size": JSONValue.int(1)]
    for settings in [AttackSettings(definition), AttackSettings(quick: definition), AttackSettings(definition, sized)] {
      #expect(try JSONDecoder().decode(AttackSettings.self, from: JSONEncoder().encode(settings)) == settings)
    }
  }

  @Test("an attack that there is not, or a field of another type, does not read") func refused() {
    for text in [#"{"name": "pdg"}"#, #"{"name": "pgd", "steps": "many"}"#, #"{"steps": 3}"#] {
      #expect(throws: DecodingError.self) { try JSONDecoder().decode(AttackSettings.self, from: Data(text.utf8)) }
    }
  }

  @Test("a value that is taken back is the default again") func defaults() {
    var settings = AttackSettings(.pgd, ["steps": 7, "step_size": 1])
    #expect(settings["step_size"] == 1.0)
    settings["steps"] = nil
    settings["step_size"] = nil
    #expect(settings == AttackSettings(.pgd))
    #expect(settings != AttackSettings(.pgd, ["steps": 7]))
  }

  @Test("settings that differ in any field have different labels", arguments: AttackCatalogue.names) func distinct(name: String) throws {
    let definition = try #require(AttackCatalogue.definition(named: name))
    // The version of autoattack follows from the network: an evaluation has one.
    for field in definition.fields where field.onlyDefault == nil && field.name != "version" {
      let values: [JSONValue] = [true, false, 3, 0.25].filter { if case .success = field.type.checked($0) { true } else { false } }
      let labels = Set(values.map { AttackSettings(definition, [field.name: $0]).label } + [AttackSettings(definition).label])
      let settings = Set(values.map { AttackSettings(definition, [field.name: $0]) } + [AttackSettings(definition)])
      #expect(labels.count == settings.count && settings.count > 1, "\(name) \(field.name) \(labels)")
    }
  }
}
