import Attacks
import Datasets
import Files
import Foundation
import JSON
import Models
import Synchronization
import TensorEngine

/// The tutorial's attack on one picture: an optimiser on the input (`AdamOnInput`), before and after.
package struct PictureAttack: Sendable {
  /// A class that the network sees in a picture.
  package struct Guess: Sendable, Hashable {
    package let label: Int
    package let name: String
    /// After softmax.
    package let probability: Double
  }

  /// What is asked for.
  package struct Settings: Sendable {
    package var threat: Threat
    package var steps: Int
    package var stepSize: Double
    /// The class that the picture is to be taken for; nil: any but the first.
    package var target: Int?

    package init(threat: Threat, steps: Int, stepSize: Double, target: Int?) {
      (self.threat, self.steps, self.stepSize, self.target) = (threat, steps, stepSize, target)
    }
  }

  package let settings: Settings
  /// The five likeliest classes, first of the picture as the network sees it, then of the attack's result, then of that rounded to 8 bits.
  package let before, after, written: [Guess]
  /// How far the result lies from the picture in the threat's norm, as it was found and rounded to 8 bits.
  package let distance, writtenDistance: Double
  /// `[height, width, channels]`.
  package let shape: Shape
  /// The rounded picture.
  package let png: [UInt8]

  /// - Parameter image: `[1, height, width, channels]`, of the network's shape.
  package init(_ image: Tensor, _ network: PictureNetwork, _ settings: Settings, engine: Engine) throws {
    let parameters = try Parameters(network.weights, for: network.graph.layout)
    let team = try NetworkTeam(engine: engine, graph: network.graph, parameters: parameters, width: 1)
    let found = Mutex<(before: [Guess], image: Tensor, after: [Guess], written: [Guess])?>(nil)
    try team.forEachTask(1) { _, classifier in
      func guesses(_ image: Tensor) -> [Guess] { Self.guesses(classifier.logits(of: image, ids: [0]), network.classNames) }
      let before = guesses(image)
      var examples = Examples(images: image, labels: [settings.target ?? before[0].label], ids: [0], seed: 0)
      if settings.target != nil { examples.loss = TargetClassOutput() }
      let attack = AdamOnInput(steps: settings.steps, learningRate: settings.stepSize)
      let result = Adversary(attack: attack, threat: settings.threat).perturb(examples, of: classifier)
      let answer = (before: before, image: result, after: guesses(result), written: guesses(result.rounded8Bits))
      found.withLock { $0 = answer }
    }
    guard let outcome = found.withLock({ $0 }) else { throw PictureNetwork.Fault("the network was not run") }
    let rounded = outcome.image.rounded8Bits
    self.settings = settings
    (before, after, written) = (outcome.before, outcome.after, outcome.written)
    distance = settings.threat.distances(of: outcome.image, from: image)[0]
    writtenDistance = settings.threat.distances(of: rounded, from: image)[0]
    shape = network.graph.inputShape
    let bytes = rounded.values.map { UInt8(($0 * 255).rounded()) }
    png = try PNGImage.encode(shape[2] == 3 ? bytes : bytes.flatMap { [$0, $0, $0] }, width: shape[1], height: shape[0])
  }

  /// Whether the written picture is taken for another class, or for the one that was asked for.
  package var isFooled: Bool { settings.target.map { written[0].label == $0 } ?? (written[0].label != before[0].label) }

  private static let shown = 5

  private static func guesses(_ logits: Tensor, _ names: [String]) -> [Guess] {
    let top = logits.values.max() ?? 0
    let exponentials = logits.values.map { exp(Double($0 - top)) }
    let sum = exponentials.reduce(0, +)
    let order = logits.values.indices.sorted { (logits.values[$0], $1) > (logits.values[$1], $0) }
    return order.prefix(shown).map { Guess(label: $0, name: names[$0], probability: exponentials[$0] / sum) }
  }

  package var json: JSONValue {
    func list(_ guesses: [Guess]) -> JSONValue {
      .array(guesses.map { ["label": .int(Int64($0.label)), "name": .string($0.name), "probability": .number($0.probability)] })
    }
    return [
      "threat": ["norm": .string(settings.threat.norm.rawValue), "epsilon": .number(settings.threat.epsilon)],
      "steps": .int(Int64(settings.steps)), "step_size": .number(settings.stepSize),
      "target": settings.target.map { .int(Int64($0)) } ?? .null,
      "shape": .array(shape.dimensions.map { .int(Int64($0)) }), "before": list(before), "after": list(after), "written": list(written),
      "distance": .number(distance), "written_distance": .number(writtenDistance), "fooled": .bool(isFooled),
    ]
  }
}
