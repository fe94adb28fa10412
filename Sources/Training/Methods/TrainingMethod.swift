import Attacks
import JSON
import TensorEngine

/// A way in which weights learn from each batch, as everybody outside its file knows it: its name, its settings, its attack and its
/// objective.
///
/// Reading and writing of specs, estimates, fingerprints, the plan of memory and the contract are derived from this, so that nothing outside
/// a method's file depends on its name.
///
package struct TrainingMethod: Sendable {
  package let name: String
  /// What it does and where it was published, in one sentence.
  package let summary: String
  /// What the method alone has, in the order in which it is written.
  package let fields: [Field]
  /// With the defaults of its settings; `nil`: it attacks nothing.
  package var attack: MethodAttack?
  /// The same with other settings.
  private let adapting: @Sendable (MethodAttack, MethodSettings) -> MethodAttack
  /// What its settings contradict, among themselves or in the rest.
  package let conflicts: @Sendable (TrainingSettings) -> [Conflict]
  /// Whether weights learn in single precision alone: what they learn by is lost in the rounding of bfloat16.
  package let learnsInSinglePrecision: Bool
  /// How it learns from interval bounds with these settings; `nil`: it does not.
  package let bounds: (@Sendable (MethodSettings) -> BoundsTraining)?
  /// The objective of these settings.
  package let objective: @Sendable (MethodSettings) -> any Objective

  package init(
    name: String, summary: String, fields: [Field] = [], attack: MethodAttack?, learnsInSinglePrecision: Bool = false,
    adapting: @escaping @Sendable (MethodAttack, MethodSettings) -> MethodAttack = { attack, _ in attack },
    conflicts: @escaping @Sendable (TrainingSettings) -> [Conflict] = { _ in [] },
    bounds: (@Sendable (MethodSettings) -> BoundsTraining)? = nil,
    objective: @escaping @Sendable (MethodSettings) -> any Objective
  ) {
    self.name = name
    self.summary = summary
    self.fields = fields
    self.attack = attack
    self.adapting = adapting
    self.conflicts = conflicts
    self.learnsInSinglePrecision = learnsInSinglePrecision
    self.bounds = bounds
    self.objective = objective
  }

  package func field(_ name: String) -> Field? { fields.named(name) }

  /// How it attacks with these settings of its own.
  package func attack(_ settings: MethodSettings) -> MethodAttack? { attack.map { adapting($0, settings) } }

  /// Whether it can be trained by in this precision.
  package func takes(_ precision: Precision) -> Bool { !(precision.learnsInBF16 && learnsInSinglePrecision) }

  /// A setting of the method that cannot stand, and why.
  package struct Conflict: Hashable, Sendable {
    package let field: String
    /// A clause.
    package let detail: String

    init(_ field: String, _ detail: String) {
      self.field = field
      self.detail = detail
    }
  }
}

/// Two methods of one name are the same.
extension TrainingMethod: Hashable {
  package static func == (one: TrainingMethod, other: TrainingMethod) -> Bool { one.name == other.name }
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
