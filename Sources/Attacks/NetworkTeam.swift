import Synchronization
import TensorEngine

/// A network under attack: one classifier for each thread of the engine that may use it.
///
/// `@unchecked Sendable`: classifiers, and with them the contexts of the session, reach tasks through `Engine.parallel(_:over:)` only, which
/// gives each to one task at a time.
package final class NetworkTeam: ClassifierTeam, @unchecked Sendable {
  package let inputShape: Shape
  package let classes: Int
  package let shardSize: Int
  package let passOperations: Int
  package let isRandomised: Bool
  let engine: Engine
  /// The network compiled for attacks.
  package let session: Session
  /// One for each context of the session, to be lent to tasks by `Engine.parallel(_:over:)` once the session's weights are packed.
  package let classifiers: [any Classifier]
  private let nearby: NearbyAnswers?

  /// - Parameters:
  ///   - graph: from images to logits `[classes]`.
  ///   - width: how many threads may use the network at once.
  ///   - isBF16: whether it multiplies in bfloat16.
  ///   - allocation: of the network's session, in memory that it shares with others.
  package init(
    engine: Engine, graph: Graph, parameters: Parameters, width: Int, isBF16: Bool = false, in allocation: Workspace.Allocation? = nil
  )
    throws
  {
    self.engine = engine
    inputShape = graph.inputShape
    classes = graph.outputShape.count
    shardSize = graph.sharding.size
    passOperations = graph.floatingPointOperations
    isRandomised = graph.isRandomised
    let contexts = min(max(1, width), engine.threads)
    let session = try Session(
      engine.programs.program(graph, for: .attack, isBF16: isBF16), parameters: parameters, contexts: contexts, in: allocation)
    self.session = session
    let nearby = isBF16 ? nil : NearbyAnswers(graph, parameters)
    self.nearby = nearby
    classifiers = (0..<contexts).map { NetworkClassifier(session[$0], graph, nearby) }
  }

  /// To be called after the parameters have changed.
  package func weightsChanged() {
    session.weightsChanged()
    nearby?.weightsChanged()
  }

  package func forEachTask(_ count: Int, _ body: @Sendable (Int, any Classifier) throws -> Void) throws {
    try session.packWeights(on: engine, width: classifiers.count)
    try engine.parallel(count, over: classifiers) { task, classifier in try body(task, classifier) }
  }
}

/// A network as its classifiers share it for answers near known images.
private final class NearbyAnswers: Sendable {
  private let program: ConeProgram
  private let parameters: Parameters
  /// Packed at the first question after a change of the weights.
  private let weights = Mutex<ConeWeights?>(nil)

  init?(_ graph: Graph, _ parameters: Parameters) {
    guard !graph.isRandomised, let program = ConeProgram(graph) else { return nil }
    self.program = program
    self.parameters = parameters
  }

  func weightsChanged() { weights.withLock { $0 = nil } }

  /// `nil` too where the tensor library lacks a kernel for a part of the network: the whole has one.
  func callAsFunction(_ images: Tensor, side: Int) -> Cone? {
    guard program.isWorthwhile(side: side) else { return nil }
    let weights = weights.withLock { known in
      let weights = known ?? ConeWeights(program, parameters)
      known = weights
      return weights
    }
    return try? Cone(program, weights, images: images, side: side)
  }
}

/// One execution context of a compiled network. More images than a shard go through it shard by shard.
private final class NetworkClassifier: Classifier {
  let inputShape: Shape
  let classes: Int
  let isRandomised: Bool
  private let context: ExecutionContext
  private let sharding: Sharding
  private let nearby: NearbyAnswers?
  private var presentDraw: RandomDraw?

  init(_ context: ExecutionContext, _ graph: Graph, _ nearby: NearbyAnswers?) {
    self.context = context
    self.nearby = nearby
    inputShape = graph.inputShape
    classes = graph.outputShape.count
    isRandomised = graph.isRandomised
    sharding = graph.sharding
  }

  func draw(_ draw: RandomDraw) { presentDraw = draw }

  func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)? { nearby?(images, side: side) }

  func logits(of images: Tensor) -> Tensor {
    var logits = Tensor(zeros: [images.batch, classes])
    forEachShard(of: images) { rows, shard, draws in logits.replace(rows, with: context.forward(shard, draws: draws)) }
    return logits
  }

  func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    var (losses, logits) = ([Float](), Tensor(zeros: [images.batch, classes]))
    forEachShard(of: images) { rows, shard, draws in
      let answer = context.forward(shard, draws: draws)
      var logitGradient = Tensor(zeros: answer.shape)
      losses += loss(answer, targets: targets.gathered(Array(rows)), gradient: &logitGradient)
      logits.replace(rows, with: answer)
      context.backward(logitGradient, inputGradient: &gradient, at: rows.lowerBound)
    }
    return (losses, logits)
  }

  private func forEachShard(of images: Tensor, _ body: (_ rows: Range<Int>, _ images: Tensor, _ draws: DrawKey?) -> Void) {
    let draw = isRandomised ? RandomDraw.fitting(images.batch, presentDraw) : nil
    guard images.batch > sharding.size else { return body(0..<images.batch, images, draw?.key) }
    for index in 0..<sharding.count(images.batch) {
      let rows = sharding.range(index, of: images.batch)
      body(rows, images.gathered(rows), draw?.gathered(rows).key)
    }
  }
}
