import Attacks
import Robustness
import Testing

@Suite("The strength of an evaluation") struct EvaluationStrengthTests {
  private func isStrong(_ attacks: [AttackSettings]) -> Bool { EvaluationSettings(attacks: attacks).isStrong }

  @Test("apgd_t and fab_t carry a verdict alone, apgd_ce and apgd_dlr together, no other attack at all") func rows() {
    #expect(isStrong([AttackSettings(.apgdT)]) && isStrong([AttackSettings(.fabT)]))
    #expect(isStrong([AttackSettings(.fgsm), AttackSettings(.apgdCE), AttackSettings(.apgdDLR)]))
    #expect(!isStrong([AttackSettings(.apgdCE)]) && !isStrong([AttackSettings(.apgdDLR)]) && !isStrong([]))
    let others = AttackCatalogue.all.filter { $0.support == .none }
    #expect(!isStrong(others.map { AttackSettings($0) } + [AttackSettings(.pgd, ["steps": 1000, "restarts": 100])]))
    #expect(others.count >= 10)
  }

  @Test("less than the default budget is not enough, more is") func budgets() {
    #expect(!isStrong([AttackSettings(.apgdT, ["steps": 99])]) && !isStrong([AttackSettings(.apgdT, ["targets": 8])]))
    #expect(!isStrong([AttackSettings(.fabT, ["targets": 3])]))
    #expect(!isStrong([AttackSettings(.apgdCE), AttackSettings(.apgdDLR, ["steps": 50])]))
    #expect(isStrong([AttackSettings(.apgdT, ["steps": 200, "targets": 20, "restarts": 2])]))
  }

  @Test("advice names what is missing") func advice() {
    func advice(_ attacks: [AttackSettings]) -> String { EvaluationStrength(attacks).advice(for: .linf) }
    #expect(advice([AttackSettings(.pgd)]).hasPrefix("add ") && advice([AttackSettings(.pgd)]).contains("apgd_t or fab_t"))
    #expect(advice([AttackSettings(.apgdCE)]) == "add apgd_dlr to evaluation.attacks")
    #expect(
      advice([AttackSettings(.apgdT, ["steps": 50, "targets": 2])]) == "raise steps to 100 or more and targets to 9 or more in apgd_t")
  }

  @Test("what a row of the catalogue says of its budget and of another attack is there") func catalogue() {
    for definition in AttackCatalogue.all {
      for name in definition.budget { #expect(definition.field(name)?.default?.double != nil, "\(definition.name) \(name)") }
      if case .with(let other) = definition.support { #expect(AttackCatalogue.definition(named: other)?.support == .with(definition.name)) }
      if definition.support != .none {
        let usual = AttackSettings(definition)
        if let doubled = usual.doubled {
          #expect(doubled.hasFullBudget && doubled.cost.gradientEvaluations > usual.cost.gradientEvaluations)
        }
      }
    }
    #expect(AttackSettings(.apgdT).doubled == AttackSettings(.apgdT, ["steps": 200]))
    #expect(AttackSettings(.pgd).doubled == nil)
  }
}
