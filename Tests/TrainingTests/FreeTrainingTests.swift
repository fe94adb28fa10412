import Attacks
import Foundation
import Models
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("Free adversarial training")
struct FreeTrainingTests {
  /// The ids of the batch of each update of the retraining.
  private final class Seen: Sendable {
    let batches = Mutex<[[Int]]>([])
  }

  private struct Watched: Objective {
    let seen: Seen
    let replays: Int
    let views = [View.adversarial]
    let needsInputGradients = true

    func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
      CrossEntropy()(examples.logits[0], labels: examples.labels, gradient: &gradients[0])
    }

    func stateCount(_ size: TrainingSize) -> Int { size.batch * size.image.count }

    func updateState(_ state: MethodState, after batch: ViewLogits, inputGradients: [Tensor]) {
      seen.batches.withLock { $0.append(batch.ids) }
    }
  }

  private func run(_ seen: Seen, replays: Int, epochs: Int) throws -> TemporaryRun {
    let run = try TemporaryRun()
    let attack = MethodAttack(usual: AttackSettings(.fgsm), isOnly: true, isCarried: true)
    run.settings = Blobs.settings
    run.settings.method = TrainingMethod(name: "watched", summary: "Of these tests.", attack: attack) { _ in
      Watched(seen: seen, replays: replays)
    }
    run.settings.attack = AttackSettings(.fgsm)
    run.settings.adversarialFraction = 1
    run.settings.baseEpochs = 1
    run.settings.epochs = epochs
    return run
  }

  @Test("visits every image as often in a row as it is told, and finishes a visit that it has begun")
  func visits() throws {
    let seen = Seen()
    // 135 images in three batches: 4 epochs are rounded up to two visits of three replays.
    var told: [TrainingProgress] = []
    let run = try run(seen, replays: 3, epochs: 4)
    run.sink.progress = { told.append($0) }
    let outcome = try run.run()
    #expect(outcome.history.map(\.epoch) == Array(1...7) && outcome.history.map(\.step) == (1...7).map { 3 * $0 })
    #expect(told.last?.fraction == 1 && told.last?.epochs == 7)
    let batches = Array(seen.batches.withLock { $0 })
    #expect(batches.count == 18)
    for visit in 0..<2 {
      let ofVisit = Array(batches[9 * visit..<9 * visit + 9])
      for batch in 0..<3 { #expect(Set(ofVisit[3 * batch..<3 * batch + 3]).count == 1) }
      #expect(Set(ofVisit.joined()).count == 135)
    }
    #expect(Set(batches[0]) != Set(batches[9]))
  }

  @Test("carries the perturbation from one batch to the next, and begins it anew where it goes back")
  func carried() throws {
    // With a rate of zero only the perturbation changes: the loss of an epoch rises from the clean one as it grows.
    let run = try TemporaryRun()
    run.model = Blobs.linear
    run.settings.method = .free
    run.settings.methodSettings["replays"] = 1
    run.settings.attack = AttackSettings(.fgsm)
    run.settings.adversarialFraction = 1
    run.settings.optimizer = OptimizerSettings(.sgd(momentum: 0, weightDecay: 0), learningRate: 1e-12)
    run.settings.batchSize = 1000
    run.settings.epochs = 3
    let losses = try run.run().history.compactMap(\.loss)
    // Two base epochs and the first update see clean images; then each position has the step of the image that was there before.
    #expect(abs(losses[1] - losses[2]) < 1e-6)
    #expect(losses[3] != losses[2] && losses[4] != losses[3])
  }
}
