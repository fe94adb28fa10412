import Attacks
import JSON

/// A way in which weights learn from each batch, as everybody outside its file knows it: its name, its settings, its attack and its
/// objective.
///
/// Reading and writing of specs, estimates, fingerprints, the plan of memory and the contract are derived from this, so that nothing outside
/// a method's file depends on its name.
///
/// A method is an attack and an objective. What needs more than these (replays of a batch, a perturbation of the weights around a pass, the
/// threat or the method's state where the attack starts) needs `BatchTrainer` too.
package struct TrainingMethod: Sendable {
  package let name: String
  /// What it does and where it was published, in one sentence.
  package let summary: String
  /// What the method alone has, in the order in which it is written.
  package let fields: [Field]
  /// `nil`: it attacks nothing.
  package var attack: MethodAttack?
  /// How it learns from interval bounds with these settings; `nil`: it does not.
  package let bounds: (@Sendable (MethodSettings) -> BoundsTraining)?
  /// The objective of these settings.
  package let objective: @Sendable (MethodSettings) -> any Objective

  package init(
    name: String, summary: String, fields: [Field] = [], attack: MethodAttack?,
    bounds: (@Sendable (MethodSettings) -> BoundsTraining)? = nil,
    objective: @escaping @Sendable (MethodSettings) -> any Objective
  ) {
    self.name = name
    self.summary = summary
    self.fields = fields
    self.attack = attack
    self.bounds = bounds
    self.objective = objective
  }

  package func field(_ name: String) -> Field? { fields.named(name) }
}

/// Two methods of one name are the same.
extension TrainingMethod: Hashable {
  package static func == (one: TrainingMethod, other: TrainingMethod) -> Bool { one.name == other.name }
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
