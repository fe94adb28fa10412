import Synchronization
import TensorEngine

/// A network whose batch norm uses the statistics of the batch under attack. It takes all examples of the batch at once, and runs their shards
/// on the engine itself.
package final class BatchClassifier: Classifier {
  package let inputShape: Shape
  package let classes: Int
  package let isRandomised: Bool
  private var presentDraw: RandomDraw?
  private let session: Session
  private let engine: Engine
  private let width: Int

  /// - Parameters:
  ///   - session: compiled for `attackOnBatch`, with a context for each shard of the largest batch.
  ///   - width: how many threads may use it at once.
  package init(_ session: Session, on engine: Engine, width: Int) {
    inputShape = session.program.graph.inputShape
    classes = session.program.graph.outputShape.count
    isRandomised = session.program.graph.isRandomised
    self.session = session
    self.engine = engine
    self.width = width
  }

  package func draw(_ draw: RandomDraw) { presentDraw = draw }

  package func logits(of images: Tensor) -> Tensor {
    let logits = Mutex(Tensor(zeros: [images.batch, classes]))
    let (shard, draw) = (session.program.sharding, isRandomised ? RandomDraw.fitting(images.batch, presentDraw) : nil)
    unfailing {
      try session.forward(shards: shard.count(images.batch), on: engine, width: width) { index, context in
        let rows = shard.range(index, of: images.batch)
        context.begin(images.gathered(rows), draws: draw?.gathered(rows).key)
      } end: { index, context in
        let answer = context.logits
        logits.withLock { $0.replace(shard.range(index, of: images.batch), with: answer) }
      }
    }
    return logits.withLock { $0 }
  }

  package func inputGradient(
    at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
  ) -> (losses: [Float], logits: Tensor) {
    let answers = Mutex((losses: [Float](repeating: 0, count: images.batch), logits: Tensor(zeros: [images.batch, classes])))
    let inputGradients = Mutex(Tensor(zeros: images.shape))
    let (shard, draw) = (session.program.sharding, isRandomised ? RandomDraw.fitting(images.batch, presentDraw) : nil)
    unfailing {
      try session.pass(shards: shard.count(images.batch), on: engine, width: width) { index, context in
        let rows = shard.range(index, of: images.batch)
        context.begin(images.gathered(rows), draws: draw?.gathered(rows).key)
      } beginBackward: { index, context in
        let rows = shard.range(index, of: images.batch)
        let logits = context.logits
        var logitGradient = Tensor(zeros: logits.shape)
        let losses = loss(logits, targets: targets.gathered(Array(rows)), gradient: &logitGradient)
        context.beginBackward(logitGradient)
        answers.withLock {
          $0.losses.replaceSubrange(rows, with: losses)
          $0.logits.replace(rows, with: logits)
        }
      } end: { index, context in
        let part = context.inputGradient
        inputGradients.withLock { $0.replace(shard.range(index, of: images.batch), with: part) }
      }
    }
    gradient = inputGradients.withLock { $0 }
    return answers.withLock { $0 }
  }

  /// A pass throws only what its `begin` throws, and `begin` does not throw here.
  private func unfailing(_ pass: () throws -> Void) {
    do { try pass() } catch { preconditionFailure("a pass whose beginning cannot fail has failed: \(error)") }
  }
}
