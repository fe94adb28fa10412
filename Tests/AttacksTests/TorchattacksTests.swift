import Attacks
import Foundation
import TensorEngine
import Testing

/// Stored values of torchattacks 3.5.1, from `Tests/Peers/torchattacks_linear.py`: the same model, images and labels as here.
@Suite("The same iterates as torchattacks") struct TorchattacksTests {
  private static let fgsm: [Float] = [
    0.47056, 0.213062, 0.892459, 0.019008, 0.847396, 0.112187, 0.190861, 0.928493, 0.171232, 0.515755, 0.603982, 0.476513, 0.158273,
    0.884945, 0.0, 1.0, 0.156216, 0.775787, 0.408407, 0.711445, 0.375176, 0.725144, 0.0, 1.0,
  ]
  private static let pgd: [Float] = [
    0.47056, 0.403062, 0.892459, 0.019008, 0.847396, 0.112187, 0.190861, 0.928493, 0.171232, 0.515755, 0.603982, 0.476513, 0.158273,
    0.884945, 0.0, 1.0, 0.156216, 0.775787, 0.408407, 0.711445, 0.375176, 0.725144, 0.0, 1.0,
  ]
  private static let euclidean: [Float] = [
    0.342743, 0.328479, 1.0, 0.045908, 0.742389, 0.138115, 0.138849, 1.0, 0.159151, 0.395914, 0.672713, 0.552874, 0.314269, 0.884757,
    0.0, 1.0, 0.245294, 0.667561, 0.252468, 0.663957, 0.517583, 0.710166, 0.0, 1.0,
  ]

  @Test(
    "fgsm and pgd, in both norms, return what torchattacks returns",
    arguments: [
      (AttackSettings(.fgsm), Threat(norm: .linf, epsilon: 0.1), fgsm),
      (AttackSettings(.pgd, ["steps": 5, "step_size": 0.03, "random_start": false]), Threat(norm: .linf, epsilon: 0.1), pgd),
      (AttackSettings(.pgd, ["steps": 5, "step_size": 0.15, "random_start": false]), Threat(norm: .l2, epsilon: 0.4), euclidean),
    ])
  func sameIterates(settings: AttackSettings, threat: Threat, expected: [Float]) {
    let weights = (0..<3).map { k in (0..<6).map { p in Float(2 * sin(1 + 2.3 * Double(k) + 1.7 * Double(p))) } }
    let images = Tensor(
      [4, 2, 3, 1], values: (0..<4).flatMap { n in (0..<6).map { p in Float(0.5 + 0.5 * sin(3 + 1.1 * Double(n) + 2.9 * Double(p))) } })
    let examples = Examples(images: images, labels: [0, 1, 2, 0], ids: [0, 1, 2, 3], seed: 0)
    let found = settings.adversary(for: threat, keep: .last).perturb(examples, of: LinearClassifier([2, 3, 1], weights: weights))
    for index in expected.indices { #expect(abs(found.values[index] - expected[index]) < 1e-5, "value \(index)") }
  }
}
