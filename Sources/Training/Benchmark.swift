import Attacks
import Datasets
import Foundation
import JSON
import Models
import Synchronization
import TensorEngine

/// Whole steps of PGD training, attack and update of the weights by SGD, on synthetic images: the very code of a job, without its epochs.
///
/// `@unchecked Sendable`: its steps come one after the other, whichever thread takes them.
package struct Benchmark: @unchecked Sendable {
  package let graph: Graph
  package let batchSize: Int
  package let attackSteps: Int
  private let engine: Engine
  private let dataset: Dataset
  private let trainer: BatchTrainer
  private let optimizer: Optimizer
  private let batch: TrainingBatch
  /// The bytes that weights, gradients, activations and the optimiser take, as planned.
  package let plannedBytes: Int

  /// - Parameters:
  ///   - input: of one image, `[height, width, channels]`.
  ///   - attackSteps: gradient evaluations of each example before each update.
  ///   - limit: the bytes that it may take.
  /// - Throws: `ModelError` when the network does not take such images, `KernelError` when the engine cannot compute it, `TooLarge` when it
  ///   would take more than `limit`.
  package init(
    _ description: ModelDescription, input: Shape, classes: Int, batchSize: Int, attackSteps: Int, precision: Precision, engine: Engine,
    limit: Int = .max
  ) throws {
    graph = try description.graph(input: input, classes: classes)
    self.batchSize = batchSize
    self.attackSteps = attackSteps
    self.engine = engine
    let settings = TrainingSettings(
      method: .pgd, batchSize: batchSize, attack: AttackSettings(.pgd, ["steps": .int(Int64(attackSteps))]),
      optimizer: OptimizerSettings(.sgd(), learningRate: 0.01))
    let plan = try TrainingPlan(
      graph, settings, precision: precision, examples: batchSize, width: engine.threads, programs: engine.programs)
    plannedBytes = plan.bytes + graph.layout.count * 4 * (2 + settings.optimizer.updateRule.slots)
    guard plannedBytes <= limit else { throw TooLarge(bytes: plannedBytes, limit: limit) }
    let initial = Parameters(graph.layout)
    try initial.load(Weights(graph.layout, seed: 0))
    dataset = Self.dataset(input, classes: classes, count: batchSize)
    let run = TrainingRun(
      dataset: dataset, graph: graph, description: description, initial: initial,
      threat: Threat(norm: .linf, epsilon: 8.0 / 255), settings: settings, engine: engine, threads: engine.threads, precision: precision,
      seed: 0,
      directory: FileManager.default.temporaryDirectory)
    trainer = try BatchTrainer(run)
    optimizer = Optimizer(settings.optimizer.updateRule, count: graph.layout.trainedCount)
    batch = TrainingBatch(ids: Array(0..<batchSize), start: 0, epoch: 1, mix: AdversarialMix(fraction: 1), objective: settings.objective)
  }

  /// More memory is planned than there is.
  package struct TooLarge: Error {
    package let bytes, limit: Int
  }

  /// One step.
  ///
  /// - Returns: its seconds.
  package func step() throws -> Double {
    let begun = PhaseTimes.now()
    guard try trainer.train(batch, with: optimizer, learningRate: 0.01, willUpdate: {}) != nil else {
      throw TrainingError.diverged(epoch: 1, step: optimizer.step, learningRate: 0.01)
    }
    return PhaseTimes.now() - begun
  }

  /// A step of each, one after the other.
  ///
  /// - Returns: the seconds of all.
  package static func inTurn(_ benchmarks: [Benchmark]) throws -> Double { try benchmarks.reduce(0) { try $0 + $1.step() } }

  /// A step of each, all at once, each as a job on a thread of its own.
  ///
  /// - Returns: the seconds until the last has ended.
  package static func atOnce(_ benchmarks: [Benchmark]) throws -> Double {
    let failures = Mutex<[any Error]>([])
    let ended = DispatchSemaphore(value: 0)
    let begun = PhaseTimes.now()
    for benchmark in benchmarks {
      Thread {
        do { _ = try benchmark.step() } catch { failures.withLock { $0.append(error) } }
        ended.signal()
      }.start()
    }
    for _ in benchmarks { ended.wait() }
    let seconds = PhaseTimes.now() - begun
    if let failure = failures.withLock({ $0.first }) { throw failure }
    return seconds
  }

  /// Multiplications and additions of one step, each counted once: a backward pass to the input costs as much as a forward pass, one to
  /// the weights as much again.
  package var floatingPointOperations: Double {
    Double(graph.floatingPointOperations) * Double(batchSize) * Double(2 * attackSteps + 3)
  }

  /// Every instruction of a step, timed alone on as many threads at once as a step has.
  package func profile() throws -> BenchmarkProfile {
    let images = try dataset.train.images(at: (0..<graph.sharding.size).map { $0 % batchSize })
    func profile(_ program: Program) throws -> [InstructionProfile] {
      try program.profile(images, parameters: trainer.parameters, threads: engine.threads, on: engine)
    }
    return BenchmarkProfile(
      attack: try profile(trainer.attackedNetwork.session.program), training: try profile(trainer.sessions[0].program),
      attackSteps: attackSteps,
      shards: graph.sharding.count(batchSize), threads: engine.threads)
  }

  /// Images of uniform noise.
  private static func dataset(_ input: Shape, classes: Int, count: Int) -> Dataset {
    var random = RandomStream(seed: 0, purpose: .sample)
    let pixels = (0..<count * input.count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let labels = (0..<count).map { _ in Int.random(in: 0..<classes, using: &random) }
    let split = Split(imageShape: input, pixels: Pixels(bytes: pixels), labels: labels)
    let none = Split(imageShape: input, pixels: Pixels(bytes: []), labels: [])
    return Dataset(
      name: "noise", imageShape: input, classNames: (0..<classes).map(String.init), train: split, test: none, sha256: "",
      sourceBytes: pixels.count)
  }
}

/// The instructions of one training step, each timed alone.
package struct BenchmarkProfile: Sendable {
  /// One pass of one shard, forward and to the input.
  package let attack: [InstructionProfile]
  /// One pass of one shard, forward and to the weights.
  package let training: [InstructionProfile]
  package let attackSteps: Int
  package let shards: Int
  package let threads: Int

  /// The time of a step if it were nothing but its instructions, each at its best: the ceiling.
  package var seconds: Double {
    let ofShard = Double(attackSteps) * attack.reduce(0) { $0 + $1.seconds } + training.reduce(0) { $0 + $1.seconds }
    return ofShard * Double(shards) / Double(threads)
  }
}
