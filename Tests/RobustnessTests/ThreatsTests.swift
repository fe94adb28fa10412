import Attacks
import Robustness
import Synchronization
import TensorEngine
import Testing

@Suite("An evaluation against several threats") struct ThreatsTests {
  private let own = Threat(norm: .linf, epsilon: 0.1)
  private let further = [Threat(norm: .l2, epsilon: 0.2), Threat(norm: .linf, epsilon: 0.2)]
  private let attacks = [AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 10, "step_size": 0.02])]

  private func evaluate(_ threat: Threat, _ settings: EvaluationSettings, wrong: [Int] = [3, 17]) throws -> Evaluation {
    let team = LinearTeam(classes: 5)
    return try Evaluator(settings: settings, threat: threat).evaluate(team, on: team.set(100, wrong: wrong)).facts
  }

  @Test("each threat has the figures that an evaluation against it alone would give") func figures() throws {
    let evaluation = try evaluate(own, EvaluationSettings(attacks: attacks, threats: further, seed: 3))
    let alone = try evaluate(own, EvaluationSettings(attacks: attacks, seed: 3))
    #expect(evaluation.attacks == alone.attacks && evaluation.worstCase == alone.worstCase && evaluation.perClass == alone.perClass)
    let threats = try #require(evaluation.threats)
    #expect(threats.map(\.threat) == further)
    // A step of 0.02 in L∞ means nothing in L2; at twice the epsilon it is twice as long.
    let settings = [["steps": 10], ["steps": 10, "step_size": 0.04]].map { [AttackSettings(.fgsm), AttackSettings(.pgd, $0)] }
    for (under, attacks) in zip(threats, settings) {
      let single = try evaluate(under.threat, EvaluationSettings(attacks: attacks, seed: 3))
      #expect(under.attacks == single.attacks)
      #expect(under.worstCase == single.worstCase && under.perClass == single.perClass && under.worstClass == single.worstClass)
    }
  }

  @Test("the union over all threats is no larger than any of them, and without further threats there is none") func union() throws {
    let evaluation = try evaluate(own, EvaluationSettings(attacks: attacks, threats: further))
    let union = try #require(evaluation.unionOfThreats)
    let each = [evaluation.worstCase] + (evaluation.threats ?? []).map(\.worstCase)
    #expect(each.allSatisfy { $0.correct >= union.correct } && union.total == 100)
    // Twice the epsilon in the same norm breaks whatever the smaller does.
    #expect(union.correct <= min(each[1].correct, each[2].correct) && each[2].correct < each[0].correct)
    let single = try evaluate(own, EvaluationSettings(attacks: attacks))
    #expect(single.threats == nil && single.unionOfThreats == nil)
  }

  @Test("their passes are counted, their progress is shown, and the whole is reached") func progress() throws {
    let team = LinearTeam(classes: 5)
    let seen = Mutex<[EvaluationProgress]>([])
    let settings = EvaluationSettings(attacks: [AttackSettings(.pgd, ["steps": 3])], threats: further, selfCheck: false)
    let evaluation = try Evaluator(settings: settings, threat: own).evaluate(
      team, on: team.set(20), progress: { step in seen.withLock { $0.append(step) } })
    let threats = try #require(evaluation.threats)
    let passes = ([evaluation.attacks] + threats.map(\.attacks)).joined().reduce(0) { $0 + $1.gradientEvaluations }
    #expect(evaluation.gradientEvaluations == passes)
    let steps = seen.withLock { $0 }
    #expect(abs((steps.map(\.fraction).max() ?? 0) - 1) < 1e-9)
    #expect(Set(steps.map(\.stage)) == ["clean", "pgd-3", "l2 0.2 pgd-3", "linf 0.2 pgd-3"])
  }

  @Test("a warning about an attack on a further threat stands beside that threat") func warnings() throws {
    var team = LinearTeam(classes: 5)
    team.spoil = { gradient in gradient.values = gradient.values.map { _ in 0 } }
    let settings = EvaluationSettings(attacks: [AttackSettings(.pgd)], threats: [further[0]])
    let evaluation = try Evaluator(settings: settings, threat: own).evaluate(team, on: team.set(50))
    let warnings = try #require(evaluation.threats?[0].warnings)
    #expect(warnings.map(\.code) == ["zero_gradients"])
    #expect(evaluation.warnings.count { $0.code == "zero_gradients" } == 1)
  }
}
