import TensorEngine

/// A classifier of reduced precision as an attack is to see it: what it takes for misclassified is asked of the exact one, whose logits then
/// stand for it. So an example leaves an attack only where the exact one is wrong too.
///
/// What the reduced one gets right is believed, which can only weaken the attack: the caller predicts its result again in full precision.
final class ConfirmedClassifier: Classifier {
  private let reduced: any Classifier
  private let exact: any Classifier
  /// By id.
  private let labels: [Int: Int]

  /// - Parameter examples: those under attack; an id has one label.
  init(_ reduced: any Classifier, exact: any Classifier, attacking examples: Examples) {
    self.reduced = reduced
    self.exact = exact
    labels = Dictionary(zip(examples.ids, examples.labels)) { first, _ in first }
  }

  var inputShape: Shape { exact.inputShape }
  var classes: Int { exact.classes }
  var judge: any Classifier { exact.judge }

  /// Of images that nobody has named, in full precision.
  func logits(of images: Tensor) -> Tensor { exact.logits(of: images) }

  func logits(of images: Tensor, ids: [Int]) -> Tensor {
    var logits = reduced.logits(of: images, ids: ids)
    confirm(&logits, of: images, labels: ids.map { labels[$0] })
    return logits
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    var answer = reduced.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
    confirm(&answer.logits, of: images, labels: targets.labels)
    return answer
  }

  private func confirm(_ logits: inout Tensor, of images: Tensor, labels: [Int?]) {
    let predicted = logits.predictions()
    let wrong = predicted.indices.filter { predicted[$0] != labels[$0] }
    guard !wrong.isEmpty else { return }
    let answers = exact.logits(of: images.gathered(wrong))
    for (position, row) in wrong.enumerated() { logits[example: row] = answers[example: position] }
  }
}
