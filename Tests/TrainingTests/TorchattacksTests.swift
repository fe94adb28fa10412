import Attacks
import Datasets
import Foundation
import Models
import Synchronization
import TensorEngine
import Testing

/// FGSM and PGD on a trained network, held against what torchattacks 3.5.1 made of the same 1,000 images from the same starts.
///
/// `Fixtures/torchattacks` holds the network (a small convolutional one, PGD-trained on the digits) and the answers of
/// `Tests/Peers/torchattacks_compare.py`. To make the answers anew: `TEMPER_EXPORT_STARTS=DIR swift test -c release --filter
/// TorchattacksTests` writes `DIR/linf.safetensors` and `DIR/l2.safetensors`, the script's second argument.
@Suite("The same robust accuracy as torchattacks on 1,000 images") struct TorchattacksTests {
  /// Both norms, with the figures that the script was given.
  static let threats = [Threat(norm: .linf, epsilon: 0.1), Threat(norm: .l2, epsilon: 0.5)]
  static let exportFolder = ProcessInfo.processInfo.environment["TEMPER_EXPORT_STARTS"]

  private struct Answers: Decodable {
    struct OfAttack: Decodable {
      let robustAccuracy: Double
      let robustAccuracyAnyIterate: Double
    }
    let images: Int
    let epsilon: Double
    let steps: Int
    let cleanAccuracy: Double
    let fgsm: OfAttack
    let pgd: OfAttack
  }

  private static func fixture(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures/torchattacks"))
  }

  /// The first thousand training images of the digits, with a start for each.
  private static func examples(_ threat: Threat) throws -> Examples {
    let split = Dataset.digits.train
    let ids = Array(0..<1000)
    let images = try split.images(at: ids)
    var streams = ids.map { RandomStream(seed: 7, purpose: .attackStart, example: $0) }
    let starts = threat.uniformPoints(around: images, from: &streams)
    return Examples(images: images, labels: split.labels(at: ids), ids: ids, seed: 7, starts: starts)
  }

  /// The share of examples that the network gets right after `attack`, which works on one shard at a time.
  private static func accuracy(_ attack: any Attack, _ threat: Threat, _ examples: Examples) throws -> Double {
    let file = try Safetensors(contentsOf: fixture("model.safetensors"))
    let graph = try #require(try ModelCard(metadata: file.metadata)).graph()
    let parameters = Parameters(graph.layout)
    try parameters.load(file.weights)
    let team = try NetworkTeam(engine: Engine(threads: 2), graph: graph, parameters: parameters, width: 2)
    let correct = Mutex(0)
    try team.forEachTask(graph.sharding.count(examples.count)) { shard, classifier in
      let part = examples.gathered(Array(graph.sharding.range(shard, of: examples.count)))
      let images = Adversary(attack: attack, threat: threat).perturb(part, of: classifier)
      let right = zip(classifier.logits(of: images).argmax(), part.labels).count { $0 == $1 }
      correct.withLock { $0 += right }
    }
    return Double(correct.withLock { $0 }) / Double(examples.count)
  }

  @Test("FGSM and PGD leave the same share of images standing, within 0.3 points", arguments: threats)
  func sameAccuracy(threat: Threat) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let answers = try decoder.decode(Answers.self, from: Data(contentsOf: Self.fixture("\(threat.norm.rawValue).json")))
    try #require(answers.images == 1000 && answers.epsilon == threat.epsilon)
    let examples = try Self.examples(threat)
    var atClean = examples
    atClean.starts = nil
    func pgd(_ keep: Keep) -> PGD {
      PGD(steps: answers.steps, stepSize: 2.5 * threat.epsilon / Double(answers.steps), randomStart: true, keep: keep)
    }
    let fgsm = PGD(steps: 1, stepSize: threat.epsilon, randomStart: false, keep: .last)
    #expect(try abs(Self.accuracy(UniformNoise(), Threat(norm: threat.norm, epsilon: 0), atClean) - answers.cleanAccuracy) < 1e-9)
    #expect(try abs(Self.accuracy(fgsm, threat, atClean) - answers.fgsm.robustAccuracy) <= 0.003)
    #expect(try abs(Self.accuracy(pgd(.last), threat, examples) - answers.pgd.robustAccuracy) <= 0.003)
    #expect(try abs(Self.accuracy(pgd(.firstMisclassified), threat, examples) - answers.pgd.robustAccuracyAnyIterate) <= 0.003)
  }

  @Test("The starts, for the script", .enabled(if: exportFolder != nil, "TEMPER_EXPORT_STARTS names no folder"), arguments: threats)
  func export(threat: Threat) throws {
    let examples = try Self.examples(threat)
    let starts = try #require(examples.starts)
    let moves = Tensor(starts.shape, values: zip(starts.values, examples.images.values).map { $0 - $1 })
    let labels = Tensor([examples.count], values: examples.labels.map(Float.init))
    let weights = Weights([
      .init(name: "images", tensor: examples.images), .init(name: "labels", tensor: labels), .init(name: "start", tensor: moves),
    ])
    let file = URL(fileURLWithPath: try #require(Self.exportFolder)).appendingPathComponent("\(threat.norm.rawValue).safetensors")
    try Safetensors(weights, metadata: [:]).encoded().write(to: file)
  }
}
