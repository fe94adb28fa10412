import Attacks
import Datasets
import Foundation
import Models
import TensorEngine
import Testing
import Training

@Suite("Adversarial images of the base model") struct BaseImagesTests {
  private func run(_ model: ModelDescription = Blobs.normalized) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.settings.attackSource = .base
    return run
  }

  private func file(_ run: TemporaryRun) -> URL { run.directory.appendingPathComponent(TrainingRun.baseImagesName) }

  /// The positions of the examples that are trained on.
  private func ids(_ run: TemporaryRun) -> [Int] {
    stratifiedValidation(
      of: run.dataset.train.labels, classes: run.dataset.classes, fraction: run.settings.validationFraction, seed: run.seed
    ).train.sorted()
  }

  @Test("they are x + ε·sign of the gradient at the base model's weights, for a linear network under FGSM") func closedForm() throws {
    let run = try run(Blobs.linear)
    run.settings.method = .fgsm
    run.settings.attack = AttackSettings(.fgsm)
    _ = try run.run()
    let base = try Safetensors(Data(contentsOf: run.directory.appendingPathComponent("checkpoints/base.safetensors"))).weights
    let (weight, bias) = (base.entries[0].tensor, base.entries[1].tensor)
    #expect(weight.shape == [3, 16] && bias.shape == [3])
    let ids = ids(run)
    let clean = try run.dataset.train.images(at: ids)
    let labels = run.dataset.train.labels(at: ids)
    let made = try Data(contentsOf: file(run)).withUnsafeBytes { bytes in Array(bytes.prefix(ids.count * 64).bindMemory(to: Float.self)) }
    try #require(made.count == ids.count * 16)
    var certain = 0
    for row in ids.indices {
      let x = Array(clean[example: row]).map(Double.init)
      let logits = (0..<3).map { c in Double(bias.values[c]) + (0..<16).reduce(0) { $0 + Double(weight.values[c * 16 + $1]) * x[$1] } }
      let total = logits.reduce(0) { $0 + exp($1) }
      for pixel in 0..<16 {
        let slope = (0..<3).reduce(0.0) { sum, c in
          sum + (exp(logits[c]) / total - (c == labels[row] ? 1 : 0)) * Double(weight.values[c * 16 + pixel])
        }
        // Where the slope is next to nothing its sign is that of the rounding.
        guard abs(slope) > 1e-6 else { continue }
        certain += 1
        let expected = min(max(x[pixel] + 0.1 * (slope < 0 ? -1 : 1), 0), 1)
        #expect(abs(Double(made[row * 16 + pixel]) - expected) < 1e-6)
      }
    }
    #expect(certain > ids.count * 15)
  }

  @Test(
    "a run that learns from them is killed anywhere, on one thread or two, with the images there, gone or harmed, and ends in the same bits",
    arguments: [20, 26, 40, 60], [1, 2])
  func killed(_ questions: Int, _ threads: Int) throws {
    let whole = try run()
    let outcome = try whole.run()
    for harm in 0..<3 {
      let run = try run()
      run.saveInterval = 0
      let interruption = Interruption(after: questions)
      #expect(throws: Interruption.Stopped.self) { try run.run(threads: threads) { try interruption.ask() } }
      if harm == 1 { try? FileManager.default.removeItem(at: file(run)) }
      if harm == 2, var bytes = try? Data(contentsOf: file(run)), bytes.count > 1_000 {
        bytes[1_000] ^= 0x40
        try bytes.write(to: file(run))
      }
      let resumed = try run.run(threads: 3 - threads, resume: true)
      #expect(try run.files() == whole.files())
      #expect(resumed.history == outcome.history)
      #expect(try Data(contentsOf: file(run)).count == Data(contentsOf: file(whole)).count)
    }
  }

  @Test("they are made once: the retraining learns otherwise than from images of the weights in training, and the base stage alike")
  func source() throws {
    let (base, current) = (try run(), try run())
    current.settings.attackSource = .current
    let first = try base.run()
    let second = try current.run()
    #expect(try base.files()["base.safetensors"] == current.files()["base.safetensors"])
    #expect(try base.files()["last.safetensors"] != current.files()["last.safetensors"])
    #expect(first.history.last?.trainAdversarialAccuracy != nil && second.history.last?.trainAdversarialAccuracy != nil)
    #expect(first.warnings.contains { $0.code == "adversarial_images_made_once" })
    #expect(!second.warnings.contains { $0.code == "adversarial_images_made_once" })
    #expect(!FileManager.default.fileExists(atPath: file(current).path))
    #expect(try base.training().fingerprint() != current.training().fingerprint())
  }

  @Test("without a base stage the weights that came in are the base model") func initial() throws {
    let run = try run()
    run.settings.baseEpochs = 0
    let whole = try run.run()
    #expect(FileManager.default.fileExists(atPath: file(run).path) && whole.history.count == 2)
  }
}
