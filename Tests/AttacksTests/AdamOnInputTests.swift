import Attacks
import TensorEngine
import Testing

@Suite("Adam on the input") struct AdamOnInputTests {
  private let shape: Shape = [2, 3, 1]

  @Test("on a constant gradient every step is the learning rate against the true class's weights, so ten steps lower it by 0.1‖w‖₁")
  func constantGradient() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(4, shape, in: 0.4...0.6), by: classifier)
    let found = AdamOnInput(steps: 10, learningRate: 0.01).perturb(examples, of: classifier, threat: Threat(norm: .linf, epsilon: 0.3))
    for row in 0..<4 {
      for (pixel, weight) in classifier.weights[examples.labels[row]].enumerated() {
        let moved = found.values[row * 6 + pixel] - examples.images.values[row * 6 + pixel]
        #expect(abs(moved - (weight > 0 ? -0.1 : 0.1)) < 1e-4)
      }
    }
  }

  @Test("the result is clipped to the ball") func clipped() {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let examples = rightly(randomImages(4, shape, in: 0.4...0.6), by: classifier)
    let threat = Threat(norm: .linf, epsilon: 0.04)
    let found = AdamOnInput().perturb(examples, of: classifier, threat: threat)
    for distance in threat.distances(of: found, from: examples.images) { #expect(abs(distance - 0.04) < 1e-6) }
  }
}
