import Attacks
import Datasets
import Files
import Foundation
import Models
import TensorEngine
import Testing
import Training

@Suite("Fine-tuning")
struct FineTuningTests {
  /// Three steps of SGD on one batch of two shards, as `Tests/Peers/updates.py` takes them.
  private func steps(_ name: String, _ change: (inout TrainingSettings) throws -> Void) throws -> (MethodReference, TemporaryRun) {
    let run = try TemporaryRun()
    run.model = MethodReference.normalized
    run.dataset = MethodReference.dataset
    run.settings = TrainingSettings(
      method: .standard, baseEpochs: 0, epochs: 3, batchSize: 40,
      optimizer: OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 5e-4), learningRate: 0.2), schedule: .constant, select: .last,
      validationFraction: 0)
    try change(&run.settings)
    return (try MethodReference(name, in: "updates"), run)
  }

  private func expect(_ run: TemporaryRun, _ initial: Parameters, toReach reference: MethodReference) throws {
    let outcome = try run.training(initial: initial).run()
    for id in initial.layout.ids {
      let name = initial.layout[id].name
      for (value, peer) in zip(outcome.selected.parameters[id].values, try reference[name].values) {
        #expect(abs(value - peer) < 2e-5 * max(1, abs(peer)), "\(name): \(value) and not \(peer)")
      }
    }
  }

  private func layout(_ run: TemporaryRun) throws -> ParameterLayout { try run.model.graph(input: [6, 6, 1], classes: 3).layout }

  @Test("with frozen layers takes the steps that PyTorch takes without gradients for them")
  func frozenLayers() throws {
    let (reference, run) = try steps("frozen_layers") { $0.freeze = ["0.*"] }
    let initial = MethodReference.weights(try layout(run))
    try expect(run, initial, toReach: reference)
    let layer = initial.layout.ids[0]
    let after = try Safetensors(contentsOf: Checkpoint.url(of: .last, in: run.directory)).weights.tensors(for: initial.layout)
    #expect(after[0] == initial[layer])
  }

  @Test("with frozen statistics of batch norm takes the steps that PyTorch takes with it in eval")
  func frozenStatistics() throws {
    let (reference, run) = try steps("frozen_statistics") { $0.batchNormStatistics = .frozen }
    run.settings.clipNorm = Double(try reference["clip_norm"].values[0])
    let initial = MethodReference.weights(try layout(run))
    for id in initial.layout.ids where !initial.layout[id].isTrained { initial[id] = try reference["start." + initial.layout[id].name] }
    try expect(run, initial, toReach: reference)
  }

  @Test("in parts of a batch takes the steps that PyTorch takes where it accumulates gradients, batch norm included")
  func accumulated() throws {
    let (reference, run) = try steps("accumulated_normalized") { $0.accumulate = 2 }
    // Three batches of the same 40 images in one epoch, placed so that each is in the order of the script after the epoch was shuffled.
    let (images, labels) = (MethodReference.dataset.train, MethodReference.dataset.train.labels)
    var places = [Int](repeating: 0, count: 120)
    for (position, id) in Batches(shuffling: Array(0..<120), size: 40, seed: run.seed, epoch: 1).order.enumerated() {
      places[id] = position % 40
    }
    run.dataset = Dataset(
      name: "noise", imageShape: [6, 6, 1], classNames: ["a", "b", "c"],
      train: Split(
        imageShape: [6, 6, 1], pixels: Pixels(floats: try images.images(at: places).values), labels: places.map { Int(labels[$0]) }),
      test: MethodReference.dataset.test, sha256: "noise", sourceBytes: 0)
    run.settings.epochs = 1
    try expect(run, MethodReference.weights(try layout(run)), toReach: reference)
  }

  // MARK: Frozen weights

  @Test("finds what patterns match, and what is left to be learnt")
  func patterns() throws {
    let layout = try Blobs.normalized.graph(input: [4, 4, 1], classes: 3).layout
    #expect(FrozenWeights(["0.*", "9.*", "*.running_mean"], of: layout).unmatched == [1, 2])
    #expect(FrozenWeights(["*"], of: layout).learnt.isEmpty)
    #expect(FrozenWeights([], of: layout).learnt == [0..<layout.trainedCount])
    let learnt = FrozenWeights(["*.bias", "0.weight"], of: layout).learnt
    let frozen = layout.ids.filter { layout[$0].isTrained && (layout[$0].name.hasSuffix(".bias") || layout[$0].name == "0.weight") }
    #expect(learnt.reduce(0) { $0 + $1.count } == layout.trainedCount - frozen.reduce(0) { $0 + layout[$1].shape.count })
    #expect(frozen.allSatisfy { id in learnt.allSatisfy { !$0.overlaps(layout.range(id)) } })
  }

  // MARK: Parts of a batch

  @Test("cuts a batch into parts of a power of two of shards")
  func parts() {
    let expected: [(shards: Int, parts: Int, size: Int, count: Int)] = [
      (8, 1, 8, 1), (8, 2, 4, 2), (8, 3, 4, 2), (8, 4, 2, 4), (8, 100, 1, 8), (5, 1, 5, 1), (5, 2, 4, 2), (5, 3, 2, 3), (5, 5, 1, 5),
      (1, 4, 1, 1), (7, 2, 4, 2),
    ]
    for (shards, parts, size, count) in expected {
      let accumulation = Accumulation(shards: shards, parts: parts)
      #expect(accumulation.shards == size && accumulation.parts == count, "\(shards) in \(parts): \(accumulation)")
    }
  }

  /// All 135 examples, five shards, in one update.
  private func wholeBatch(_ method: TrainingMethod, _ model: ModelDescription, parts: Int) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    run.settings.method = method
    if let usual = method.attack?.usual { run.settings.attack = usual }
    run.settings.batchSize = 150
    run.settings.epochs = 4
    run.settings.accumulate = parts
    return run
  }

  @Test(
    "in any number of parts leaves the same bytes without batch norm",
    arguments: [TrainingMethod.pgd, .trades, .mart, .free, .awp, .gradalign])
  func anyParts(_ method: TrainingMethod) throws {
    let whole = try wholeBatch(method, Blobs.convolutional, parts: 1)
    _ = try whole.run()
    for parts in [2, 3, 5] {
      let cut = try wholeBatch(method, Blobs.convolutional, parts: parts)
      _ = try cut.run(threads: parts % 2 + 1)
      #expect(try cut.files() == whole.files(), "\(parts) parts")
    }
  }

  @Test("in parts, stopped at any question and resumed, leaves the same bytes, though the parts before have moved batch norm's statistics")
  func interrupted() throws {
    let whole = try wholeBatch(.pgd, Blobs.normalized, parts: 3)
    whole.settings.epochs = 2
    let all = Interruption(after: .max)
    _ = try whole.run(threads: 1) { try all.ask() }
    for questions in 0..<all.questions {
      let broken = try wholeBatch(.pgd, Blobs.normalized, parts: 3)
      broken.settings.epochs = 2
      let interruption = Interruption(after: questions)
      #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
      _ = try broken.run(resume: true)
      #expect(try broken.files() == whole.files(), "after \(questions) questions")
    }
  }

  @Test("takes less memory in more parts", arguments: [Blobs.convolutional, Blobs.normalized])
  func memory(_ model: ModelDescription) throws {
    let bytes = try [1, 2, 4].map { parts in
      var settings = try wholeBatch(.trades, model, parts: parts).settings
      settings.batchSize = 256
      return try TrainingPlan(
        model.graph(input: [4, 4, 1], classes: 3), settings, precision: .fp32, examples: 1_000, width: 1,
        programs: TemporaryRun.engine.programs
      ).bytes
    }
    #expect(bytes[0] > bytes[1] && bytes[1] > bytes[2], "\(bytes)")
  }
}
