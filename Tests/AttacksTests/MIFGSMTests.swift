import Attacks
import TensorEngine
import Testing

@Suite("Iterative attacks from the clean image") struct MIFGSMTests {
  private let shape: Shape = [1, 2, 1]

  /// Where an attack leads from the middle of the box when its gradients are the given ones, one after the other.
  private func path(_ settings: AttackSettings, _ threat: Threat, _ gradients: [[Float]]) -> [Float] {
    let classifier = LinearClassifier(shape, weights: [[1, 0], [0, 1]])
    let calls = classifier.gradientBatches.count
    classifier.spoil = { [unowned classifier] in $0.values = gradients[classifier.gradientBatches.count - calls - 1] }
    let examples = Examples(images: Tensor([1, 1, 2, 1], values: [0.5, 0.5]), labels: [0], ids: [0], seed: 1)
    return settings.attack(for: threat, keep: .last).perturb(examples, of: classifier, threat: threat).values
  }

  private func near(_ found: [Float], _ expected: [Float]) -> Bool { zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 } }

  @Test("MI-FGSM follows the sum of gradients that are each divided by their L1 norm, and what the decay leaves of it") func momentum() {
    let threat = Threat(norm: .linf, epsilon: 0.3)
    func path(_ decay: Double) -> [Float] {
      self.path(AttackSettings(.mifgsm, ["steps": 2, "step_size": 0.1, "decay": .number(decay)]), threat, [[3, -1], [-10, 30]])
    }
    // (0.75, -0.25), then that with (-0.25, 0.75) added: (0.5, 0.5). Undivided the sum would be (-7, 29).
    #expect(near(path(1), [0.7, 0.5]))
    // (0.075, -0.025) + (-0.25, 0.75): the second step turns round.
    #expect(near(path(0.1), [0.5, 0.5]))
  }

  @Test("in L2 a step is the momentum divided by its L2 norm") func euclidean() {
    let settings = AttackSettings(.mifgsm, ["steps": 2, "step_size": 0.1])
    let found = path(settings, Threat(norm: .l2, epsilon: 1), [[3, -1], [-10, 30]])
    let first = [Float(3), -1].map { 0.1 * $0 / Float(10).squareRoot() }
    let second = 0.1 / Float(2).squareRoot()
    #expect(near(found, [0.5 + first[0] + second, 0.5 + first[1] + second]))
  }

  @Test("by default its steps make up epsilon, and BIM's a quarter more, cut at the ball") func defaultSteps() {
    let threat = Threat(norm: .linf, epsilon: 0.2)
    let steady = [[Float]](repeating: [2, -1], count: 10)
    #expect(near(path(AttackSettings(.mifgsm), threat, steady), [0.7, 0.3]))
    #expect(near(path(AttackSettings(.bim), threat, steady), [0.7, 0.3]))
    // Four steps of ten back: BIM, at the ball's edge after eight, returns by as much.
    let turning = [[Float]](repeating: [2, -1], count: 8) + [[Float]](repeating: [-2, 1], count: 2)
    #expect(near(path(AttackSettings(.bim), threat, turning), [0.65, 0.35]))
    // The momentum of eight steps outweighs two.
    #expect(near(path(AttackSettings(.mifgsm), threat, turning), [0.7, 0.3]))
  }

  @Test("a gradient that is zero or not finite moves the momentum by nothing") func brokenGradients() {
    let settings = AttackSettings(.mifgsm, ["steps": 3, "step_size": 0.1])
    let threat = Threat(norm: .linf, epsilon: 1)
    #expect(near(path(settings, threat, [[1, 1], [0, 0], [.nan, .infinity]]), [0.8, 0.8]))
    #expect(near(path(settings, threat, [[0, 0], [0, 0], [.nan, 0]]), [0.5, 0.5]))
  }
}
