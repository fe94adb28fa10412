import Attacks
import Foundation
import Testing

@Suite("Attack settings") struct AttackSettingsTests {
  private let threat = Threat(norm: .linf, epsilon: 0.3)

  @Test("step sizes default to what the papers use") func stepSizes() {
    #expect(AttackSettings(name: .fgsm).stepSize(for: threat) == 0.3)
    #expect(AttackSettings(name: .fgsm, randomStart: true).stepSize(for: threat) == 0.375)
    #expect(abs(AttackSettings(name: .pgd, steps: 40).stepSize(for: threat) - 0.01875) < 1e-12)
    #expect(AttackSettings(name: .pgd, stepSize: 0.01).stepSize(for: threat) == 0.01)
    #expect(AttackSettings(name: .adam).stepSize(for: threat) == 0.01)
  }

  @Test("a given step scales with the ball, a default one follows it by itself, a learning rate stays") func scaling() {
    #expect(AttackSettings(name: .pgd, stepSize: 0.01).scaled(from: threat, to: 0.15).stepSize == 0.005)
    #expect(AttackSettings(name: .pgd).scaled(from: threat, to: 0.15).stepSize == nil)
    #expect(AttackSettings(name: .adam, stepSize: 0.02).scaled(from: threat, to: 0.15).stepSize == 0.02)
  }

  @Test("labels tell settings apart") func labels() {
    #expect(AttackSettings(name: .fgsm).label == "fgsm")
    #expect(AttackSettings(name: .fgsm, randomStart: true).label == "fgsm-random")
    #expect(AttackSettings(name: .pgd).label == "pgd-40")
    #expect(AttackSettings(name: .pgd, steps: 7, randomStart: false, restarts: 5).label == "pgd-fixed-7x5")
    #expect(AttackSettings(name: .noise).label == "noise")
    #expect(AttackSettings(name: .noise, steps: 100).label == "noise-100")
    #expect(AttackSettings(name: .adam).label == "adam-10")
  }

  @Test("JSON names are in snake case") func json() throws {
    let text = String(decoding: try JSONEncoder().encode(AttackSettings(name: .pgd, steps: 7, stepSize: 0.5)), as: UTF8.self)
    for key in ["\"name\":\"pgd\"", "\"steps\":7", "\"step_size\":0.5", "\"random_start\":true", "\"restarts\":1"] {
      #expect(text.contains(key))
    }
  }
}
