import TensorEngine

/// A network under attacks that do not see its preprocessing: they are made on the network without it, and judged by the whole.
package final class TransferTeam: ClassifierTeam, Sendable {
  private let attacked: NetworkTeam
  private let judging: NetworkTeam

  /// - Parameters:
  ///   - attacked: the network without its preprocessing.
  ///   - judging: the whole, on the same engine and as many threads.
  package init(attacked: NetworkTeam, judging: NetworkTeam) {
    self.attacked = attacked
    self.judging = judging
  }

  package var inputShape: Shape { judging.inputShape }
  package var classes: Int { judging.classes }
  package var shardSize: Int { min(attacked.shardSize, judging.shardSize) }
  package var passOperations: Int { attacked.passOperations }
  package var isRandomised: Bool { attacked.isRandomised }

  package func forEachTask(_ count: Int, _ body: @Sendable (Int, any Classifier) throws -> Void) throws {
    let pairs: [any Classifier] = zip(attacked.classifiers, judging.classifiers).map { TransferClassifier(attacking: $0, judge: $1) }
    try Session.packWeights([attacked.session, judging.session], on: judging.engine, width: pairs.count)
    try judging.engine.parallel(count, over: pairs) { task, classifier in try body(task, classifier) }
  }
}

/// Shows attacks one classifier, and is judged by another one.
package final class TransferClassifier: Classifier {
  private let attacked: any Classifier
  package let judge: any Classifier

  package init(attacking attacked: any Classifier, judge: any Classifier) {
    self.attacked = attacked
    self.judge = judge
  }

  package var inputShape: Shape { attacked.inputShape }
  package var classes: Int { attacked.classes }
  package var isRandomised: Bool { attacked.isRandomised }
  package func draw(_ draw: RandomDraw) { attacked.draw(draw) }
  package func logits(of images: Tensor) -> Tensor { attacked.logits(of: images) }
  package func logits(of images: Tensor, ids: [Int]) -> Tensor { attacked.logits(of: images, ids: ids) }
  package func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)? { attacked.nearby(images, side: side) }

  package func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    attacked.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient)
  }
}
