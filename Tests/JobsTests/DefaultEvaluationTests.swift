import Foundation
import JSON
import Jobs
import Testing

@Suite("The attacks of an evaluation that names none") struct DefaultEvaluationTests {
  private let check = SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/")))

  private func names(_ document: JSONValue) throws -> [String] { try check.accept(document).spec.evaluation.attacks.map(\.name) }

  @Test("autoattack where its work fits into the budget, otherwise apgd_ce and apgd_t") func choice() throws {
    #expect(try names(Specs.smallest) == ["autoattack"])
    #expect(try names(Specs.smallest.setting("/evaluation/budget_seconds", to: 0.01)) == ["apgd_ce", "apgd_t"])
    // A larger network, and more threats, take more.
    let middle = Specs.smallest.setting("/model/architecture", to: "madry_cnn")
    #expect(try names(middle) == ["apgd_ce", "apgd_t"])
    #expect(try names(middle.setting("/evaluation/samples", to: 1)) == ["autoattack"])
    let seconds = try #require(estimate(Specs.smallest)["evaluation"]?["seconds"]?.double)
    let tight = Specs.smallest.setting("/evaluation/budget_seconds", to: .number(1.01 * seconds))
    #expect(try names(tight) == ["autoattack"])
    #expect(try names(tight.setting("/evaluation/threats", to: [["norm": "l2", "epsilon": 1]])) == ["apgd_ce", "apgd_t"])
  }

  private func estimate(_ document: JSONValue) throws -> JSONValue { try check.accept(document).estimateJSON }

  @Test("the completed spec names them with all their settings, and reads as it is, whatever its budget") func completed() throws {
    let spec = try check.accept(Specs.smallest).spec
    #expect(spec.json["evaluation"]?["attacks"] == [["name": "autoattack", "version": "standard"]])
    let again = try check.accept(spec.json.setting("/evaluation/budget_seconds", to: 0.01)).spec
    #expect(again.evaluation.attacks == spec.evaluation.attacks)
    #expect(try check.accept(spec.json).spec == spec)
    #expect(try JobSpec(reading: spec.json) == spec)
  }

  @Test("the estimate says why: what the work is, what it takes at the speed assumed, and the budget") func reason() throws {
    let chosen = try estimate(Specs.smallest)["evaluation"]
    #expect(chosen?["attacks"] == ["autoattack"])
    let reason = try #require(chosen?["reason"]?.string)
    #expect(reason.contains("autoattack takes at most") && reason.contains("within budget_seconds"))
    let tight = try estimate(Specs.smallest.setting("/evaluation/budget_seconds", to: 0.01))["evaluation"]
    #expect(tight?["attacks"] == ["apgd_ce-100", "apgd_t-100"])
    #expect(try #require(tight?["reason"]?.string).contains("hence apgd_ce and apgd_t"))
    let named = try estimate(Specs.quick)["evaluation"]
    #expect(named?["attacks"] == ["pgd-3"] && named?["reason"] == "The spec names them.")
  }

  @Test("attacks that are named stay, be there none") func named() throws {
    #expect(try names(Specs.quick) == ["pgd"])
    #expect(try names(Specs.smallest.setting("/evaluation/attacks", to: [])) == [])
    #expect(try names(Specs.smallest.setting("/evaluation/attacks", to: .null)) == ["autoattack"])
  }

  @Test("a gate on an attack is held against the attacks that were chosen") func gates() throws {
    func gate(_ attack: String) -> JSONValue { [["metric": "robust_accuracy", "attack": .string(attack), "min": 0.5]] }
    let document = Specs.smallest.setting("/gates", to: gate("autoattack"))
    #expect(try names(document) == ["autoattack"])
    for (document, attack) in [
      (document.setting("/evaluation/budget_seconds", to: 0.01), "apgd_t"),
      (Specs.smallest.setting("/gates", to: gate("apgd_t")), "autoattack"),
      (Specs.smallest.setting("/gates", to: gate("pgd")), "autoattack"),
    ] {
      let error = try #require(throws: SpecFaults.self) { try check.accept(document) }
      #expect(error.faults.map(\.pointer) == ["/gates/0/attack"])
      #expect(error.faults[0].detail.contains(attack))
    }
  }

  @Test("the version of AutoAttack follows from the network, and may not be given otherwise") func version() throws {
    func document(_ version: String) -> JSONValue {
      Specs.smallest.setting("/evaluation/attacks", to: [["name": "fgsm"], ["name": "autoattack", "version": .string(version)]])
    }
    #expect(try check.accept(document("standard")).spec.evaluation.attacks[1]["version"] == "standard")
    let error = try #require(throws: SpecFaults.self) { try check.accept(document("rand")) }
    #expect(error.faults.map(\.pointer) == ["/evaluation/attacks/1/version"])
    #expect(error.faults[0].detail.contains("standard for a network that has no randomness"))
  }

  @Test("the estimate counts every part of a sequence, every threat and every point of the curve") func work() throws {
    let document = Specs.quick.setting("/kind", to: "train").setting("/training", to: ["base_epochs": 1, "epochs": 0])
      .setting("/evaluation", to: ["attacks": [["name": "autoattack"]], "samples": 50, "curve": []])
    let plain = try check.accept(document).estimate
    let further = try check.accept(document.setting("/evaluation/threats", to: [["norm": "l2", "epsilon": 1]])).estimate
    // Two networks, fifty images, 1,900 gradients, and a tenth for the checks of the result.
    #expect(further.gradientEvaluations - plain.gradientEvaluations == 2 * 50 * 1_900 * 11 / 10)
    // 0.1 is the threat's own epsilon, where AutoAttack's first part has drawn the point.
    let curve = try check.accept(document.setting("/evaluation/curve", to: [0, 0.05, 0.1, 0.2])).estimate
    #expect(curve.gradientEvaluations - plain.gradientEvaluations == 2 * 50 * 200 * 11 / 10)
  }
}
