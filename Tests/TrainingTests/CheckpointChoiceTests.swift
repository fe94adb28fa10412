import Testing
import Training

@Suite("The choice of checkpoints")
struct CheckpointChoiceTests {
  /// Ten classes, all as frequent: robust accuracy up to 0.1285 may be chance.
  private let choice = CheckpointChoice(chance: 0.1, count: 1000)

  private func epoch(clean: Double?, robust: Double?) -> TrainingMetrics {
    var metrics = TrainingMetrics(epoch: 1, step: 1, phase: .retrain)
    metrics.validationCleanAccuracy = clean
    metrics.validationRobustAccuracy = robust
    return metrics
  }

  @Test("goes by the role's figure, then by the other, then by time")
  func order() {
    let best = epoch(clean: 0.9, robust: 0.5)
    #expect(choice.isBetter(epoch(clean: 0.1, robust: 0.6), than: best, for: .bestRobust))
    #expect(!choice.isBetter(epoch(clean: 0.1, robust: 0.6), than: best, for: .bestClean))
    #expect(!choice.isBetter(epoch(clean: 0.8, robust: 0.5), than: best, for: .bestRobust))
    #expect(choice.isBetter(best, than: best, for: .bestRobust))
    #expect(choice.isBetter(best, than: nil, for: .bestClean))
  }

  @Test("finds nothing better where nothing was measured")
  func unmeasured() {
    #expect(!choice.isBetter(epoch(clean: nil, robust: nil), than: nil, for: .bestRobust))
    #expect(!choice.improves(epoch(clean: nil, robust: nil), on: nil, for: .bestRobust))
  }

  @Test("counts a tie as no improvement")
  func ties() {
    let best = epoch(clean: 0.9, robust: 0.5)
    #expect(!choice.improves(epoch(clean: 1, robust: 0.5), on: best, for: .bestRobust))
    #expect(choice.improves(epoch(clean: 0.1, robust: 0.51), on: best, for: .bestRobust))
  }

  @Test("prefers no network that always names one class to one that has learnt something")
  func constant() {
    let constant = epoch(clean: 0.1, robust: 0.1)
    let nearlyConstant = epoch(clean: 0.2, robust: 0.11)
    // What standard training leaves of a network under a strong attack.
    let standard = epoch(clean: 0.95, robust: 0.03)
    for worse in [constant, nearlyConstant] {
      #expect(choice.isBetter(standard, than: worse, for: .bestRobust))
      #expect(!choice.isBetter(worse, than: standard, for: .bestRobust))
      #expect(choice.improves(standard, on: worse, for: .bestRobust))
    }
  }

  @Test("goes by robust accuracy as soon as it is above chance")
  func aboveChance() {
    let (standard, robust) = (epoch(clean: 0.95, robust: 0.12), epoch(clean: 0.3, robust: 0.13))
    #expect(choice.isBetter(robust, than: standard, for: .bestRobust))
    #expect(choice.improves(robust, on: standard, for: .bestRobust))
    #expect(!choice.isBetter(standard, than: robust, for: .bestRobust))
  }

  @Test("of two classes, below what always naming one gives, takes the more robust of two equally clean")
  func twoClasses() {
    let choice = CheckpointChoice(chance: 0.5, count: 1000)
    #expect(choice.isBetter(epoch(clean: 0.98, robust: 0.4), than: epoch(clean: 0.99, robust: 0.1), for: .bestRobust))
    #expect(choice.isBetter(epoch(clean: 0.98, robust: 0.4), than: epoch(clean: 0.5, robust: 0.5), for: .bestRobust))
  }

  @Test("by clean accuracy does not look at chance")
  func clean() {
    #expect(choice.isBetter(epoch(clean: 0.95, robust: 0.03), than: epoch(clean: 0.9, robust: 0.6), for: .bestClean))
  }
}
