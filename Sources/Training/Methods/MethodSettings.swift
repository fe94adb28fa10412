import JSON

/// A training method as a job spec names it: the method, and a value for each of its fields.
package struct MethodSettings: Hashable, Sendable {
  package let method: TrainingMethod
  /// By field; one that the method computes for itself is absent.
  private var values: [String: JSONValue] = [:]

  /// - Parameter values: of the method's fields; the others have their defaults.
  package init(_ method: TrainingMethod, _ values: [String: JSONValue] = [:]) {
    self.method = method
    for field in method.fields { self.values[field.name] = field.default }
    for (name, value) in values { self[name] = value }
  }

  /// The value of a field; `nil` when the method computes it for itself, or has no such field. Setting it to `nil` gives the default.
  package subscript(_ name: String) -> JSONValue? {
    get { values[name] }
    set {
      guard let field = method.field(name) else { preconditionFailure("the method \(method.name) has no setting \(name)") }
      values[name] = newValue.flatMap(field.type.normalised) ?? field.default
    }
  }
}
