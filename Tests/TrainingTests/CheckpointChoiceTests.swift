import Testing
import Training

@Suite("The choice of checkpoints")
struct CheckpointChoiceTests {
  private func epoch(clean: Double?, robust: Double?) -> TrainingMetrics {
    var metrics = TrainingMetrics(epoch: 1, step: 1, phase: .retrain)
    metrics.validationCleanAccuracy = clean
    metrics.validationRobustAccuracy = robust
    return metrics
  }

  @Test("goes by the role's figure, then by the other, then by time")
  func order() {
    let best = epoch(clean: 0.9, robust: 0.5)
    #expect(CheckpointChoice.isBetter(epoch(clean: 0.1, robust: 0.6), than: best, for: .bestRobust))
    #expect(!CheckpointChoice.isBetter(epoch(clean: 0.1, robust: 0.6), than: best, for: .bestClean))
    #expect(!CheckpointChoice.isBetter(epoch(clean: 0.8, robust: 0.5), than: best, for: .bestRobust))
    #expect(CheckpointChoice.isBetter(best, than: best, for: .bestRobust))
    #expect(CheckpointChoice.isBetter(best, than: nil, for: .bestClean))
  }

  @Test("finds nothing better where nothing was measured")
  func unmeasured() {
    #expect(!CheckpointChoice.isBetter(epoch(clean: nil, robust: nil), than: nil, for: .bestRobust))
    #expect(!CheckpointChoice.improves(epoch(clean: nil, robust: nil), on: nil, for: .bestRobust))
  }

  @Test("counts a tie as no improvement")
  func ties() {
    let best = epoch(clean: 0.9, robust: 0.5)
    #expect(!CheckpointChoice.improves(epoch(clean: 1, robust: 0.5), on: best, for: .bestRobust))
    #expect(CheckpointChoice.improves(epoch(clean: 0.1, robust: 0.51), on: best, for: .bestRobust))
  }
}
