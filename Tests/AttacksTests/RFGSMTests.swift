import Attacks
import TensorEngine
import Testing

@Suite("R-FGSM") struct RFGSMTests {
  private let shape: Shape = [3, 4, 1]
  private let w = LinearClassifier([3, 4, 1], classes: 1, seed: 8).weights[0]

  /// Two classes, the box out of reach: the true class is 0, and raising the loss means raising w·x.
  private func moved(_ threat: Threat) -> [[Float]] {
    let classifier = LinearClassifier(shape, weights: [[Float](repeating: 0, count: 12), w])
    let clean = randomImages(16, shape, in: 0.45...0.55)
    let examples = Examples(images: clean, labels: [Int](repeating: 0, count: 16), ids: Array(0..<16), seed: 1)
    let found = AttackSettings(.rfgsm).attack(for: threat, keep: .last).perturb(examples, of: classifier, threat: threat)
    return (0..<16).map { row in zip(found[example: row], clean[example: row]).map { $0 - $1 } }
  }

  @Test("in L∞ every pixel moves by epsilon along its gradient's sign, or comes back to where it was, each about as often")
  func signs() {
    let moves = moved(Threat(norm: .linf, epsilon: 0.2)).flatMap { zip($0, w).map { $1 > 0 ? $0 : -$0 } }
    for move in moves { #expect(abs(move - 0.2) < 1e-6 || abs(move) < 1e-6) }
    // 192 tosses of a coin: 96 ± 7.
    #expect((68...124).contains(moves.count { $0 > 0.1 }))
  }

  @Test("in L2 half of epsilon goes along noise and half along the gradient itself") func vectors() {
    let length = w.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var cosines: [Float] = []
    for move in moved(Threat(norm: .l2, epsilon: 0.2)) {
      let noise = zip(move, w).map { $0 - 0.1 * $1 / length }
      #expect(abs(noise.reduce(0) { $0 + $1 * $1 }.squareRoot() - 0.1) < 1e-5)
      cosines.append(zip(noise, w).reduce(0) { $0 + $1.0 * $1.1 } / (0.1 * length))
    }
    #expect(cosines.contains { $0 > 0 } && cosines.contains { $0 < 0 })
    #expect(Set(cosines).count == 16)
  }
}
