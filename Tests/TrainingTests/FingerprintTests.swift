import Attacks
import Datasets
import Models
import TensorEngine
import Testing
import Training

@Suite("The fingerprint of a run")
struct FingerprintTests {
  // These digests must never change: a job that an earlier version saved is resumed by this one only as long as they are the same. A new
  // setting is added to the fingerprint with the value that stands for its absence, and then both stay as they are. Where a change of the
  // numerics is meant, it is `EngineVersion.current` that rises.
  /// Of a run whose first weights are zeros, which are the same on every machine.
  private func fingerprint(_ run: TemporaryRun) throws -> String {
    let graph = try run.model.graph(input: run.dataset.imageShape, classes: run.dataset.classes)
    return try run.training(initial: Parameters(graph.layout)).fingerprint()
  }

  @Test("stays what it is from version to version")
  func pinned() throws {
    let run = try TemporaryRun()
    let plain = try fingerprint(run)
    #expect(plain == "e3bfab55049a59e5c64cc4bbbb0f11ea58a1128b8c0282790cdfc3c221059581")
    run.model = ModelDescription(.preset("wide_resnet"), normalization: Normalization(mean: [0.5], std: [0.25]))
    run.settings = TrainingSettings(
      method: .fgsm, baseEpochs: 0, epochs: 3, attack: AttackSettings(.fgsm, ["step_size": 0.1, "random_start": true]),
      batchNormInAttack: .train, optimizer: OptimizerSettings(.adamw(), learningRate: 0.001),
      schedule: .step(milestones: [1, 2], factor: 0.5), select: .bestClean, earlyStopPatience: 2)
    let rich = try fingerprint(run)
    #expect(rich == "bf44e2393002020b8797571ec9364e6828e8fdc38dcfc51bbbeb42b86fc708bb")
  }

  @Test("is the same however a network with its defaults is written, and another for every argument that the weights depend on")
  func differences() throws {
    let run = try TemporaryRun()
    let plain = try run.training().fingerprint()
    var all: Set<String> = [plain]
    func expectAnother(_ change: (TemporaryRun) -> Void) throws {
      let other = try TemporaryRun()
      change(other)
      #expect(try all.insert(other.training().fingerprint()).inserted)
    }
    try expectAnother { $0.seed = 6 }
    try expectAnother { $0.precision = .bf16 }
    try expectAnother { $0.model = Blobs.normalized }
    let jpeg = try Preprocessing.list([["type": "jpeg", "quality": 50]])
    try expectAnother { $0.model.preprocessing = jpeg }
    let median = try Preprocessing.list([["type": "median"]])
    try expectAnother { $0.model.preprocessing = median }
    try expectAnother { $0.threat = Threat(norm: .l2, epsilon: 0.1) }
    try expectAnother { $0.threat.epsilon = 0.2 }
    try expectAnother { $0.settings.method = .standard }
    try expectAnother { $0.settings.baseEpochs = 3 }
    try expectAnother { $0.settings.epochs = 3 }
    try expectAnother { $0.settings.batchSize = 51 }
    try expectAnother { $0.settings.adversarialFraction = 1 }
    try expectAnother { $0.settings.attack["steps"] = 3 }
    try expectAnother { $0.settings.attack["step_size"] = 0.01 }
    try expectAnother { $0.settings.attack["random_start"] = false }
    try expectAnother { $0.settings.attack["restarts"] = 2 }
    try expectAnother { $0.settings.batchNormInAttack = .train }
    try expectAnother { $0.settings.optimizer = OptimizerSettings(.sgd(nesterov: true), learningRate: 0.05) }
    try expectAnother { $0.settings.optimizer = OptimizerSettings(.adam(), learningRate: 0.05) }
    try expectAnother { $0.settings.optimizer.learningRate = 0.06 }
    try expectAnother { $0.settings.schedule = .constant }
    try expectAnother { $0.settings.schedule = .cyclic(peak: 0.3) }
    try expectAnother { $0.settings.schedule = .oneCycle(OneCycle()) }
    try expectAnother { $0.settings.schedule = .oneCycle(OneCycle(anneal: .linear)) }
    try expectAnother { $0.settings.learningRateWarmup = 0.1 }
    try expectAnother { $0.settings.epsilonWarmup = 0.1 }
    try expectAnother { $0.settings.clipNorm = 1 }
    try expectAnother { $0.settings.labelSmoothing = 0.1 }
    try expectAnother { $0.settings.averageDecay = 0.99 }
    try expectAnother { $0.settings.averageDecay = 0.995 }
    try expectAnother { $0.settings.augment = [Augmentation(["type": "flip"])] }
    try expectAnother { $0.settings.augment = [Augmentation(["type": "cutout", "size": 2])] }
    try expectAnother { $0.settings.accumulate = 2 }
    try expectAnother { $0.settings.freeze = ["0.*"] }
    try expectAnother { $0.settings.batchNormStatistics = .frozen }
    try expectAnother { $0.settings.select = .last }
    try expectAnother { $0.settings.earlyStopPatience = 1 }
    try expectAnother { $0.settings.onCollapse = .stop }
    try expectAnother { $0.settings.validationFraction = 0.2 }
    let (short, long) = (try TemporaryRun(), try TemporaryRun())
    short.model = ModelDescription(.preset("wide_resnet"))
    long.model = try short.model.completed()
    #expect(short.model != long.model)
    #expect(try short.training().fingerprint() == long.training().fingerprint())
  }
}
