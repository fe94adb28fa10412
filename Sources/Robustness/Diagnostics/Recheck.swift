import Attacks
import TensorEngine

/// An attack that a diagnostic runs again, on a few of the examples that all attacks of the evaluation left standing.
package struct Recheck: Sendable {
  package enum Purpose: String, CaseIterable, Sendable {
    /// 1,000 points of noise for each example.
    case noise
    /// The strongest attack with twice its iterations.
    case doubled
    /// The strongest attack where any image is allowed.
    case unbounded
    /// An attack that asks for logits alone, with another seed than the evaluation's.
    case blackBox = "black-box"
  }

  let purpose: Purpose
  let attack: AttackSettings
  let threat: Threat
  let seed: UInt64

  /// The most passes over one example, the predictions of what was found included. A gradient counts as two.
  var passes: Int { attack.cost(in: threat.norm).passes + attack.runs + 1 }
}

extension Recheck {
  /// Those of an evaluation. There is none for an attack that cannot try harder than it did.
  ///
  /// - Parameter input: the shape of an image.
  static func all(of settings: EvaluationSettings, _ threat: Threat, input: Shape) -> [Recheck] {
    guard let strongest = settings.strongest else { return [] }
    let whole = threat.wholeBox(input)
    let single = strongest.parts(in: threat.norm) == nil ? strongest : strongestOfAll(for: threat.norm) ?? strongest
    let doubled = strongest.doubled ?? single.doubled ?? strongestOfAll(for: threat.norm)?.doubled
    let blackBox = AttackCatalogue.all.filter { $0.isBlackBox && $0.norms.contains(threat.norm) }.max { $0.strength < $1.strength }
    let attacks: [(Purpose, AttackSettings?, Threat, UInt64)] = [
      (.noise, AttackSettings(.noise, ["steps": 1000]), threat, settings.seed),
      (.doubled, doubled, threat, settings.seed),
      (.unbounded, single.scaled(from: threat, to: whole.epsilon), whole, settings.seed),
      (.blackBox, blackBox.map { AttackSettings($0) }, threat, settings.seed ^ 0x5DEE_CE66),
    ]
    return attacks.compactMap { purpose, attack, threat, seed in
      attack.map { Recheck(purpose: purpose, attack: $0, threat: threat, seed: seed) }
    }
  }

  /// What stands for an attack of several parts, none of whose numbers is its own.
  private static func strongestOfAll(for norm: Norm) -> AttackSettings? {
    AttackCatalogue.all.filter { $0.support == .alone && !$0.budget.isEmpty && $0.norms.contains(norm) }
      .max { $0.strength < $1.strength }.map { AttackSettings($0) }
  }
}

extension AttackDefinition {
  /// Whether it searches by logits alone.
  var isBlackBox: Bool { access == .logits && family != .chance }
}

extension Threat {
  /// The ball that holds every image of the box, from whichever image.
  fileprivate func wholeBox(_ input: Shape) -> Threat {
    switch norm {
    case .linf: Threat(norm: norm, epsilon: 1)
    case .l1: Threat(norm: norm, epsilon: Double(input.count))
    case .l2: Threat(norm: norm, epsilon: Double(input.count).squareRoot())
    }
  }
}

/// What a recheck found.
package struct RecheckResult: Sendable {
  /// The examples that it looked at, and those that it found misclassified images for.
  let sample: Int
  let fallen: Int
  /// The examples that stood before, and all of the evaluation.
  let standing: Int
  let total: Int

  package init(sample: Int, fallen: Int, standing: Int, total: Int) {
    self.sample = sample
    self.fallen = fallen
    self.standing = standing
    self.total = total
  }

  /// How many of all standing examples would fall, were they like those of the sample.
  var scaledFall: Double { sample > 0 ? Double(fallen) / Double(sample) * Double(standing) : 0 }

  /// Whether more than `share` of all examples would fall. A single example of a sample says nothing of the others.
  package func lowersAccuracy(byMoreThan share: Double) -> Bool { isTelling && scaledFall > share * Double(total) }

  /// Whether more than `share` of the standing examples would fall.
  package func fells(moreThan share: Double) -> Bool { isTelling && Double(fallen) > share * Double(sample) }

  private var isTelling: Bool { fallen > 1 || (sample == standing && fallen > 0) }
}
