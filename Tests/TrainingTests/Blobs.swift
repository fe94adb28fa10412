import Attacks
import Datasets
import Files
import Foundation
import Models
import Synchronization
import TensorEngine
import Training

/// A few small images of three classes, easy to tell apart.
enum Blobs {
  static let dataset = Dataset(
    name: "blobs", imageShape: [4, 4, 1], classNames: ["left", "right", "even"], train: split(count: 150, first: 0),
    test: split(count: 30, first: 1000), sha256: "blobs", sourceBytes: 0)

  private static func split(count: Int, first: Int) -> Split {
    let labels = (0..<count).map { ($0 * 7 + $0 / 11) % 3 }
    var pixels: [Float] = []
    for (index, label) in labels.enumerated() {
      var stream = RandomStream(seed: 1, purpose: .noise, example: first + index)
      for pixel in 0..<16 {
        let isLeft = pixel % 4 < 2
        let brightness: Float = label == 2 ? 0.5 : (label == 0) == isLeft ? 0.75 : 0.3
        pixels.append(min(max(brightness + 0.15 * stream.normal(), 0), 1))
      }
    }
    return Split(imageShape: [4, 4, 1], pixels: Pixels(floats: pixels), labels: labels)
  }

  static let convolutional = ModelDescription(
    .layers([
      .conv(filters: 4, kernel: 3, padding: 1), .relu, .maxPool(size: 2, stride: 2), .flatten, .dropout(rate: 0.25), .linear(units: 3),
    ]))
  /// With batch norm in the stem and in a residual branch.
  static let normalized = ModelDescription(
    .layers([
      .conv(filters: 8, kernel: 3, padding: 1, bias: false), .batchNorm(), .relu,
      .residual(layers: [.conv(filters: 8, kernel: 3, padding: 1, bias: false), .batchNorm()]), .relu6, .globalAvgPool,
      .dropout(rate: 0.25),
      .linear(units: 3),
    ]))
  static let linear = ModelDescription(.layers([.flatten, .linear(units: 3)]))

  static let threat = Threat(norm: .linf, epsilon: 0.1)

  /// Batches of 50 of 135 examples: neither divides into shards.
  static let settings = TrainingSettings(
    method: .pgd, baseEpochs: 2, epochs: 2, batchSize: 50, adversarialFraction: 0.7, attack: AttackSettings(.pgd, ["steps": 2]),
    optimizer: OptimizerSettings(.sgd(), learningRate: 0.05))
}

/// A run of its own in a temporary directory, which is removed with it.
/// `@unchecked Sendable`: a test sets it up before it runs it on another thread.
final class TemporaryRun: @unchecked Sendable {
  let directory: URL
  var dataset = Blobs.dataset
  var model = Blobs.convolutional
  var threat = Blobs.threat
  var settings = Blobs.settings
  var precision = Precision.fp32
  var seed: UInt64 = 5
  var sink = TrainingSink()
  var saveInterval = 60.0
  var checkpoints: (any CheckpointStorage)?
  var engineVersion = EngineVersion.description
  var setAside: @Sendable (URL, String) throws -> Void = TrainingRun.renameDamaged
  var waitForRoom: @Sendable (StorageError) throws -> Void = { throw $0 }

  static let engine = Engine(threads: 2)

  init() throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("training-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  func initial(_ graph: Graph) -> Parameters {
    let parameters = Parameters(graph.layout)
    for (parameter, entry) in zip(graph.layout.ids, Weights(graph.layout, seed: seed).entries) { parameters[parameter] = entry.tensor }
    return parameters
  }

  func training(
    in directory: URL? = nil, threads: Int = 2, initial: Parameters? = nil, resume: Bool = false,
    control: @escaping @Sendable () throws -> Void = {}
  ) throws -> TrainingRun {
    let graph = try model.graph(input: dataset.imageShape, classes: dataset.classes)
    return TrainingRun(
      dataset: dataset, graph: graph, description: model, initial: initial ?? self.initial(graph), threat: threat, settings: settings,
      engine: Self.engine, threads: threads, precision: precision, seed: seed, directory: directory ?? self.directory,
      checkpoints: checkpoints, resume: resume, saveInterval: saveInterval, engineVersion: engineVersion, sink: sink, setAside: setAside,
      waitForRoom: waitForRoom, control: control)
  }

  func run(
    in directory: URL? = nil, threads: Int = 2, resume: Bool = false, control: @escaping @Sendable () throws -> Void = {}
  ) throws -> TrainingOutcome {
    let training = try training(in: directory, threads: threads, resume: resume, control: control)
    // Nothing below uses `self`, which would else be freed, and the directory removed, while the run is under way.
    return try withExtendedLifetime(self) { try training.run() }
  }

  /// The bytes of every checkpoint, by file name.
  func files(in directory: URL? = nil) throws -> [String: Data] {
    let folder = (directory ?? self.directory).appendingPathComponent("checkpoints")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: folder.appendingPathComponent($0))) })
  }
}

/// Copies what a process leaves that dies now: each file as it is, the states before the checkpoints that they name.
func copyRemains(of directory: URL, to target: URL) throws {
  try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
  for name in Folder.names(in: directory).reversed() {
    let (source, copy) = (directory.appendingPathComponent(name), target.appendingPathComponent(name))
    if name == "checkpoints" {
      try copyRemains(of: source, to: copy)
    } else {
      // One that was renamed since it was listed is no longer there, as after a death a moment later.
      try? FileManager.default.copyItem(at: source, to: copy)
    }
  }
}

/// Ends a run at its nth question whether it may go on.
final class Interruption: Sendable {
  struct Stopped: Error, Equatable {}
  private let left: Mutex<Int>
  private let asked = Mutex(0)

  init(after questions: Int) { left = Mutex(questions) }

  var questions: Int { asked.withLock { $0 } }

  func ask() throws {
    asked.withLock { $0 += 1 }
    let isOver = left.withLock { left in
      left -= 1
      return left < 0
    }
    if isOver { throw Stopped() }
  }
}
