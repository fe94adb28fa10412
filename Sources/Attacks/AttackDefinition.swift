import JSON

/// An attack as everybody outside its file knows it: its name, its settings, and what may be expected of it.
///
/// Reading and writing of specs and reports, labels, estimates and the contract are derived from this, so that nothing outside an
/// attack's file depends on its name.
package struct AttackDefinition: Sendable {
  /// What the attack looks for.
  package enum Goal: Sendable {
    /// A misclassified image within the ball of radius epsilon. An image outside is a fault of the attack.
    case bounded
    /// The nearest misclassified image, wherever it is: it may lie beyond epsilon.
    case minimalDistance
  }

  /// What the attack asks of the model.
  package enum Access: Sendable {
    /// Input gradients: a white-box attack.
    case gradients
    /// Logits alone: a black-box attack.
    case logits
  }

  /// What the diagnostics may expect of the attack beside others.
  package enum Family: Sendable {
    /// Chance alone: every other attack must find at least as much.
    case chance
    /// Steps along the gradient, each projected onto the ball: several steps must find at least as much as one.
    case projectedSteps
    case other
  }

  /// Whether a verdict may rest on what the attack leaves standing, when it ran to its full budget.
  package enum Support: Hashable, Sendable {
    /// No: stronger attacks find examples that it misses.
    case none
    case alone
    /// Only where the attack of this name ran to its full budget too: each finds what the other's loss hides.
    case with(String)
  }

  package let name: String
  /// What it does and where it was published, in one sentence.
  package let summary: String
  /// In the order in which they are written.
  package let fields: [Field]
  package let goal: Goal
  package let access: Access
  package let family: Family
  /// The norms of the threats that it can be used against.
  package let norms: [Norm]
  /// The higher, the fewer examples withstand, in general.
  package let strength: Int
  /// The values of fields that follow from whether the network is random when it is evaluated.
  package let following: @Sendable (_ isRandomised: Bool) -> [String: JSONValue]
  /// The attacks that it runs one after the other, each on the examples that those before it left correct; `nil` for a single attack.
  package let parts: (@Sendable (AttackSettings, Norm) -> [AttackSettings])?
  package let support: Support
  /// The names of the fields that say how much it tries. With each at its default or above, it runs to its full budget.
  package let budget: [String]
  /// Whether an evaluation in mixed precision runs it on the network in bfloat16: where it follows the direction of gradients, and values
  /// tell it no more than which iterate is better.
  package let allowsReduced: Bool
  /// The attack of these settings against a threat, with its defaults filled in.
  package let make: @Sendable (AttackSettings, Threat, Keep) -> any Attack

  package init(
    name: String, summary: String, fields: [Field], goal: Goal = .bounded, access: Access = .gradients, family: Family = .other,
    norms: [Norm] = Norm.allCases, strength: Int, support: Support = .none, budget: [String] = [],
    allowsReduced: Bool = false,
    make: @escaping @Sendable (AttackSettings, Threat, Keep) -> any Attack
  ) {
    self.name = name
    self.summary = summary
    self.fields = fields
    self.goal = goal
    self.access = access
    self.family = family
    self.norms = norms
    self.strength = strength
    following = { _ in [:] }
    parts = nil
    self.support = support
    self.budget = budget
    self.allowsReduced = allowsReduced
    self.make = make
  }

  /// A sequence of bounded attacks, at the full budget of each: a verdict may rest on it.
  package init(
    name: String, summary: String, fields: [Field], norms: [Norm] = Norm.allCases, strength: Int,
    following: @escaping @Sendable (_ isRandomised: Bool) -> [String: JSONValue] = { _ in [:] },
    parts: @escaping @Sendable (AttackSettings, Norm) -> [AttackSettings]
  ) {
    self.name = name
    self.summary = summary
    self.fields = fields
    goal = .bounded
    access = .gradients
    family = .other
    self.norms = norms
    self.strength = strength
    self.following = following
    self.parts = parts
    support = .alone
    budget = []
    allowsReduced = false
    make = { settings, threat, keep in AttackSequence(parts(settings, threat.norm), keep: keep, norm: threat.norm) }
  }

  package func field(_ name: String) -> Field? { fields.named(name) }

  /// The fields of an attack in training, which runs it once for each batch, or in an evaluation.
  package func fields(for use: AttackUse) -> [Field] {
    let evaluationAlone = [Field.restarts.name, Field.eotSamples.name]
    return fields.filter { use == .evaluation || !evaluationAlone.contains($0.name) }
  }
}

/// What an attack is used for.
package enum AttackUse: Sendable {
  case training, evaluation
}
