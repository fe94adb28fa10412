import JSON

/// An attack as a job spec names it: its definition, and a value for each of its fields.
package struct AttackSettings: Sendable {
  package let definition: AttackDefinition
  /// By field; one that the attack computes for itself is absent.
  private var values: [String: JSONValue]

  /// - Parameter values: of the definition's fields; the others have their defaults.
  package init(_ definition: AttackDefinition, _ values: [String: JSONValue] = [:]) {
    self.definition = definition
    self.values = [:]
    for field in definition.fields { self.values[field.name] = field.default }
    for (name, value) in values { self[name] = value }
  }

  package var name: String { definition.name }

  /// The value of a field; `nil` when the attack computes it for itself, or has no such field. Setting it to `nil` gives the default.
  package subscript(_ name: String) -> JSONValue? {
    get { values[name] }
    set {
      guard let field = definition.field(name) else { preconditionFailure("the attack \(self.name) has no field \(name)") }
      values[name] = newValue.flatMap(field.type.normalised) ?? field.default
    }
  }
}

extension AttackSettings: Hashable {
  package static func == (one: AttackSettings, other: AttackSettings) -> Bool { one.name == other.name && one.values == other.values }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(values)
  }
}
