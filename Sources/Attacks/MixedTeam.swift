import TensorEngine

/// A network in single precision that has a copy in bfloat16 beside it, for the attacks that may use one.
package final class MixedTeam: ClassifierTeam, Sendable {
  private let exact: NetworkTeam
  private let reduced: NetworkTeam

  /// - Parameters:
  ///   - exact: the network in single precision, whose answers count.
  ///   - reduced: the same in bfloat16, of the same weights, on the same engine and as many threads. Neither is random.
  package init(exact: NetworkTeam, reduced: NetworkTeam) {
    precondition(!exact.isRandomised, "which draws an answer takes is the business of one network")
    self.exact = exact
    self.reduced = reduced
  }

  package var inputShape: Shape { exact.inputShape }
  package var classes: Int { exact.classes }
  package var shardSize: Int { min(exact.shardSize, reduced.shardSize) }
  package var passOperations: Int { exact.passOperations }
  package var hasReduced: Bool { true }

  package func forEachTask(_ count: Int, _ body: @Sendable (Int, any Classifier) throws -> Void) throws {
    let pairs: [any Classifier] = zip(exact.classifiers, reduced.classifiers).map { MixedClassifier(exact: $0, reduced: $1) }
    try Session.packWeights([exact.session, reduced.session], on: exact.engine, width: pairs.count)
    try exact.engine.parallel(count, over: pairs) { task, classifier in try body(task, classifier) }
  }
}

/// Answers as one classifier does, and offers another one that is quicker.
package final class MixedClassifier: Classifier {
  private let exact: any Classifier
  package let reduced: (any Classifier)?

  package init(exact: any Classifier, reduced: any Classifier) {
    self.exact = exact
    self.reduced = reduced
  }

  package var inputShape: Shape { exact.inputShape }
  package var classes: Int { exact.classes }
  package func logits(of images: Tensor) -> Tensor { exact.logits(of: images) }
  package func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)? { exact.nearby(images, side: side) }

  package func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    exact.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
  }
}
