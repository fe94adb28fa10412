import TensorEngine

/// What an attack asked of the model, summed over examples: forty steps on one image are forty gradient evaluations.
package struct AttackCost: Hashable, Sendable {
  /// Each a forward and a backward pass.
  package var gradientEvaluations: Int
  /// Without a backward pass.
  package var forwardPasses: Int

  package init(gradientEvaluations: Int = 0, forwardPasses: Int = 0) {
    self.gradientEvaluations = gradientEvaluations
    self.forwardPasses = forwardPasses
  }

  /// Passes through the network, forward or backward to the input.
  package var passes: Int { 2 * gradientEvaluations + forwardPasses }

  package static func += (total: inout AttackCost, further: AttackCost) {
    total.gradientEvaluations += further.gradientEvaluations
    total.forwardPasses += further.forwardPasses
  }
}

/// What is wrong with the gradient of one example.
package enum GradientFault: Hashable, Sendable {
  /// Zero in every pixel: an attack that follows it stands still.
  case zero
  /// NaN or infinite in some pixel.
  case notFinite
}

/// A classifier that counts what is asked of it, and looks at the first gradients that it gives.
final class CountingClassifier: Classifier {
  private let classifier: any Classifier
  private let tally: Tally

  /// What is shared with the one that counts what is asked of the judge.
  private final class Tally {
    var cost = AttackCost() { didSet { passed(cost.passes - oldValue.passes) } }
    var faults: [GradientFault?] = []
    let passed: (Int) -> Void

    init(_ passed: @escaping (Int) -> Void) { self.passed = passed }
  }

  /// - Parameter passed: told of the passes that are made, as they are.
  convenience init(_ classifier: any Classifier, passed: @escaping (Int) -> Void = { _ in }) { self.init(classifier, Tally(passed)) }

  private init(_ classifier: any Classifier, _ tally: Tally) {
    self.classifier = classifier
    self.tally = tally
  }

  var cost: AttackCost { tally.cost }
  /// By row of the first batch whose gradient was asked for: what is wrong with it, if anything. Empty before that.
  var faults: [GradientFault?] { tally.faults }

  var inputShape: Shape { classifier.inputShape }
  var classes: Int { classifier.classes }
  var isRandomised: Bool { classifier.isRandomised }
  var judge: any Classifier { classifier.judge === classifier ? self : CountingClassifier(classifier.judge, tally) }
  var reduced: (any Classifier)? { classifier.reduced.map { CountingClassifier($0, tally) } }

  func draw(_ draw: RandomDraw) { classifier.draw(draw) }

  func logits(of images: Tensor) -> Tensor {
    tally.cost.forwardPasses += images.batch
    return classifier.logits(of: images)
  }

  func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)? {
    classifier.nearby(images, side: side).map { Nearby($0, tally) }
  }

  /// An answer counts as a pass, however little of the network it takes. What it takes to remember images does not: their answers are known.
  private final class Nearby: NearbyClassifier {
    private let nearby: any NearbyClassifier
    private let tally: Tally

    init(_ nearby: any NearbyClassifier, _ tally: Tally) {
      self.nearby = nearby
      self.tally = tally
    }

    func logits(of candidates: Tensor, changing images: [Int], at places: [Place]) -> Tensor {
      tally.cost.forwardPasses += candidates.batch
      return nearby.logits(of: candidates, changing: images, at: places)
    }

    func keep(_ rows: [Int]) { nearby.keep(rows) }
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    let answer = classifier.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
    if cost.gradientEvaluations == 0 { tally.faults = (0..<images.batch).map { Self.fault(of: gradient[example: $0]) } }
    tally.cost.gradientEvaluations += images.batch
    return answer
  }

  private static func fault(of gradient: ArraySlice<Float>) -> GradientFault? {
    if gradient.contains(where: { !$0.isFinite }) { return .notFinite }
    return gradient.allSatisfy { $0 == 0 } ? .zero : nil
  }
}
