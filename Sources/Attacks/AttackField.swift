import JSON

/// A setting of an attack: its name, the values it takes, its default, its unit and its meaning.
package struct AttackField: Sendable {
  package enum Kind: Sendable {
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>, excluding: Double?)
    case boolean
  }

  package enum Unit: Sendable {
    case none
    /// A length in the threat's norm, of pixels scaled to [0, 1]: it grows and shrinks with epsilon.
    case pixels
  }

  /// How a value appears in the attack's label.
  package enum Label: Sendable {
    case hidden
    /// `-random` or `-fixed`; not for the default.
    case flag(on: String, off: String)
    /// `-40`; not for a default of 1.
    case count
    /// `x5`; not for 1.
    case times
    /// `-decay0.5`; not for the default.
    case named
  }

  package let name: String
  package let kind: Kind
  /// `nil`: the attack computes it from epsilon or its other settings, as `help` says.
  package let `default`: JSONValue?
  package let unit: Unit
  package let help: String
  /// Why no value but the default is taken; `nil` where others are.
  package let onlyDefault: String?
  /// The value that changes nothing, as if the field were not there: fingerprints of runs leave it out.
  package let neutral: JSONValue?
  /// Where the field stands; `nil`: everywhere.
  package let use: AttackUse?
  package let label: Label

  package init(
    _ name: String, _ kind: Kind, default: JSONValue?, unit: Unit = .none, help: String, onlyDefault: String? = nil,
    neutral: JSONValue? = nil, use: AttackUse? = nil, label: Label = .hidden
  ) {
    self.name = name
    self.kind = kind
    self.default = `default`
    self.unit = unit
    self.help = help
    self.onlyDefault = onlyDefault
    self.neutral = neutral
    self.use = use
    self.label = label
  }

  /// The value in the one form in which it is stored, so that 1 and 1.0 are equal numbers; `nil` when it is of another type.
  package func normalised(_ value: JSONValue) -> JSONValue? {
    switch (kind, value) {
    case (.integer, _): value.integer.map { .int(Int64($0)) }
    case (.number, .int(let whole)): .number(Double(whole))
    case (.number, .string): value.double.map { .number($0) }
    case (.number, .number), (.boolean, .bool): value
    default: nil
    }
  }
}

// MARK: Fields that several attacks share

extension AttackField {
  package static func steps(default count: Int, help: String = "Gradient steps.", onlyDefault: String? = nil) -> AttackField {
    AttackField("steps", .integer(1...10_000), default: .int(Int64(count)), help: help, onlyDefault: onlyDefault, label: .count)
  }

  /// - Parameter help: says what it is when left out.
  package static func stepSize(_ unit: Unit = .pixels, help: String, onlyDefault: String? = nil) -> AttackField {
    AttackField(
      "step_size", .number(0...Double.greatestFiniteMagnitude, excluding: 0), default: nil, unit: unit, help: help,
      onlyDefault: onlyDefault, neutral: .null)
  }

  package static func randomStart(default isOn: Bool, onlyDefault: String? = nil) -> AttackField {
    AttackField(
      "random_start", .boolean, default: .bool(isOn), help: "Whether it starts at a random point of the ball, or at the clean image.",
      onlyDefault: onlyDefault, label: .flag(on: "random", off: "fixed"))
  }

  package static let restarts = AttackField(
    "restarts", .integer(1...1_000), default: 1,
    help: "Runs from different starts; an attack without randomness runs once. Training takes one run.", neutral: 1, use: .evaluation,
    label: .times)
}

extension AttackSettings {
  package var steps: Int { self["steps"]?.integer ?? 1 }
  package var stepSize: Double? { self["step_size"]?.double }
  package var randomStart: Bool { self["random_start"] == true }
  package var restarts: Int { self["restarts"]?.integer ?? 1 }
}
