import TensorEngine

/// A network as attacks see it: one classifier for each thread of the engine that may work on it.
///
/// `@unchecked Sendable`: `Engine.parallel` hands a lane, and with it a classifier, to one task at a time.
package final class NetworkTeam: ClassifierTeam, @unchecked Sendable {
  package let inputShape: Shape
  package let classes: Int
  package let shardSize: Int
  private let engine: Engine
  /// The network compiled for attacks.
  package let session: Session
  private let classifiers: [NetworkClassifier]

  /// - Parameters:
  ///   - graph: from images to logits `[classes]`.
  ///   - width: how many threads may question the network at once.
  ///   - isHalf: whether it multiplies in bfloat16.
  ///   - place: of the network's session, in memory that it shares with others.
  package init(engine: Engine, graph: Graph, parameters: Parameters, width: Int, isHalf: Bool = false, in place: Workspace.Place? = nil)
    throws
  {
    self.engine = engine
    inputShape = graph.inputShape
    classes = graph.outputShape.count
    shardSize = graph.shard.size
    let lanes = min(max(1, width), engine.threads)
    let session = try Session(engine.programs.program(graph, for: .attack, isHalf: isHalf), parameters: parameters, lanes: lanes, in: place)
    self.session = session
    classifiers = (0..<lanes).map { NetworkClassifier(session[$0], inputShape: graph.inputShape, classes: graph.outputShape.count) }
  }

  /// To be called after the parameters have changed.
  package func refresh() { session.refresh() }

  /// The classifier of a lane, for a caller that is itself a task of the engine and has made the session ready.
  package func classifier(lane: Int) -> any Classifier { classifiers[lane] }

  package func forEachShard(_ count: Int, _ body: @Sendable (Int, any Classifier) throws -> Void) throws {
    try session.ready(on: engine, width: classifiers.count)
    try engine.parallel(count, width: classifiers.count) { task, lane in try body(task, classifiers[lane]) }
  }
}

/// One lane of a compiled network.
private final class NetworkClassifier: Classifier {
  let inputShape: Shape
  let classes: Int
  private let lane: Lane

  init(_ lane: Lane, inputShape: Shape, classes: Int) {
    self.lane = lane
    self.inputShape = inputShape
    self.classes = classes
  }

  func logits(of images: Tensor) -> Tensor { lane.forward(images) }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    let logits = lane.forward(images)
    var logitGradient = Tensor(zeros: logits.shape)
    let losses = loss(logits, targets: targets, gradient: &logitGradient)
    lane.backward(logitGradient, inputGradient: &gradient)
    return (losses, logits)
  }
}
