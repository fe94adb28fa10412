import JSON

/// Fields that several attacks share.
extension Field {
  package static func steps(default count: Int, help: String = "Gradient steps.", onlyDefault: String? = nil) -> Field {
    Field("steps", .integer(1...10_000), default: .int(Int64(count)), help: help, onlyDefault: onlyDefault, label: .count)
  }

  /// - Parameter help: says what it is when left out.
  package static func stepSize(_ unit: FieldUnit = .pixels, help: String, onlyDefault: String? = nil) -> Field {
    Field("step_size", .number(above: 0, unit: unit), help: help, onlyDefault: onlyDefault, neutral: .null, label: .named)
  }

  package static func randomStart(default isOn: Bool, onlyDefault: String? = nil) -> Field {
    Field(
      "random_start", .boolean, default: .bool(isOn), help: "Whether it starts at a random point of the ball, or at the clean image.",
      onlyDefault: onlyDefault, label: .flag(on: "random", off: "fixed"))
  }

  /// Of an evaluation alone: see `AttackDefinition.fields(for:)`.
  package static let restarts = Field(
    "restarts", .integer(1...1_000), default: 1,
    help: "Runs from different starts; an attack without randomness runs once. Training takes one run.", neutral: 1, label: .times)

  /// Of an evaluation alone: training draws anew in every step.
  package static let eotSamples = Field(
    "eot_samples", .integer(1...1_000), default: 1,
    help: """
      On a network that is random when it is evaluated, the draws whose mean gradient is followed (expectation over transformation, Athalye \
      et al. 2018, arXiv:1707.07397). On any other network all draws are the same, and one is taken.
      """, neutral: 1, label: .named)
}

extension AttackSettings {
  package var steps: Int { self["steps"]?.integer ?? 1 }
  package var stepSize: Double? { self["step_size"]?.double }
  package var randomStart: Bool { self["random_start"] == true }
  package var restarts: Int { self["restarts"]?.integer ?? 1 }
  package var eotSamples: Int { self["eot_samples"]?.integer ?? 1 }
}
