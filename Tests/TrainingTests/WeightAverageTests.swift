import Attacks
import Models
import TensorEngine
import Testing
import Training

@Suite("Averaged weights")
struct WeightAverageTests {
  @Test("are after three updates what PyTorch's average is, with the statistics of batch norm copied")
  func steps() throws {
    let reference = try MethodReference("average_normalized", in: "updates")
    let run = try TemporaryRun()
    run.model = MethodReference.normalized
    run.dataset = MethodReference.dataset
    run.settings = TrainingSettings(
      method: .standard, baseEpochs: 0, epochs: 3, batchSize: 40,
      optimizer: OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 0.2), schedule: .constant, select: .averaged,
      validationFraction: 0)
    run.settings.averageDecay = 0.2
    let layout = try run.model.graph(input: [6, 6, 1], classes: 3).layout
    let outcome = try run.training(initial: MethodReference.weights(layout)).run()
    #expect(outcome.selected.checkpoint.role == .averaged)
    let raw = try Safetensors(contentsOf: Checkpoint.url(of: .last, in: run.directory)).weights.tensors(for: layout)
    for (parameter, raw) in zip(layout.ids, raw) {
      let name = layout[parameter].name
      func expect(_ values: [Float], _ key: String) throws {
        for (value, peer) in zip(values, try reference[key].values) {
          #expect(abs(value - peer) < 1e-5 * max(1, abs(peer)), "\(key): \(value) and not \(peer)")
        }
      }
      try expect(raw.values, "raw." + name)
      try expect(outcome.selected.parameters[parameter].values, "averaged." + name)
    }
  }

  private func averaging(_ decay: Double = 0.9) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.settings.averageDecay = decay
    run.settings.validationFraction = 0.3
    run.settings.epochs = 3
    return run
  }

  @Test("are measured beside the raw ones in each epoch of the retraining, and change nothing of these")
  func measured() throws {
    let (plain, run) = (try averaging(), try averaging())
    plain.settings.averageDecay = nil
    let (without, with) = (try plain.run(), try run.run())
    for (one, other) in zip(without.history, with.history) {
      var raw = other
      (raw.averagedCleanAccuracy, raw.averagedRobustAccuracy) = (nil, nil)
      #expect(raw == one)
      #expect((other.averagedCleanAccuracy != nil) == (other.phase == .retrain))
      #expect((other.averagedRobustAccuracy != nil) == (other.phase == .retrain))
    }
    let names = try #require(with.history.last).named.map(\.name)
    #expect(
      names.contains("validation_averaged_clean_accuracy") && names.contains("validation_averaged_robust_accuracy")
        && !names.contains("averaged"))
    #expect(Set(with.checkpoints.map(\.role)) == Set(CheckpointRole.allCases))
    func weights(_ outcome: TrainingOutcome, _ role: CheckpointRole) -> Checkpoint? { outcome.checkpoints.first { $0.role == role } }
    #expect(try run.files()["base.safetensors"] == plain.files()["base.safetensors"])
    let averaged = try #require(weights(with, .averaged))
    #expect(averaged.epoch == 5 && averaged.metrics.isAveraged == true)
    #expect(averaged.metrics.validationCleanAccuracy == with.history.last?.averagedCleanAccuracy)
    #expect(averaged.metrics.named.contains { $0.name == "averaged" && $0.value == 1 })
  }

  @Test("are the best where they are better, and the raw ones where these are")
  func selected() throws {
    // An average that hardly moves lags behind, one of half a step does not.
    for decay in [0.5, 0.999] {
      let run = try averaging(decay)
      run.settings.epochs = 4
      run.settings.optimizer.learningRate = 0.3
      let outcome = try run.run()
      let best = try #require(outcome.checkpoints.first { $0.role == .bestClean })
      let candidates = outcome.history.filter { $0.phase == .retrain }
      let (raw, averaged) = (candidates.compactMap(\.validationCleanAccuracy), candidates.compactMap(\.averagedCleanAccuracy))
      #expect(best.metrics.validationCleanAccuracy == (raw + averaged).max())
      if let highest = raw.max(), let other = averaged.max(), highest != other {
        #expect((best.metrics.isAveraged == true) == (other > highest))
      }
    }
  }

  @Test("are the result where nothing was held out to choose by")
  func unmeasured() throws {
    let run = try averaging()
    run.settings.validationFraction = 0
    let outcome = try run.run()
    #expect(outcome.selected.checkpoint.role == .averaged)
    #expect(outcome.history.allSatisfy { $0.averagedCleanAccuracy == nil })
  }

  @Test("begin anew with the weights that a run goes back to after a collapse")
  func collapse() throws {
    let run = try TemporaryRun()
    run.model = Blobs.linear
    run.settings = CollapseRunTests.settings(epochs: 12)
    run.settings.averageDecay = 0.6
    let outcome = try run.run()
    let found = outcome.history.filter { $0.isCollapse == true }.map(\.epoch)
    let robust = outcome.history.map(\.averagedRobustAccuracy)
    let first = try #require(found.first)
    // Epochs are counted from 1, so this is the one after.
    if first < robust.count, let before = robust[first - 1], let after = robust[first] { #expect(after > before) }
  }
}
