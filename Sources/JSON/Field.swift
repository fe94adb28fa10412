/// A field of an object: its name, the values it takes, what stands when it is left out, and its meaning.
///
/// A list of fields is the one description of an object. From it come the reader with all its faults (`FieldReader`), the defaults, the
/// writer (`written(_:)`), the JSON Schema and OpenAPI (`SchemaWriter`), and the page of documentation (`FieldPage`).
package struct Field: Sendable {
  package enum Presence: Hashable, Sendable {
    case required
    /// Left out, it is its default.
    case optional
    /// Left out, it is the value of another field, which stands before it.
    case sameAs(String)
    /// One of several fields of which one is given (`ObjectType.alternatives`): left out, it is not written either.
    case alternative
  }

  /// How a value appears in a short name, such as `pgd-40`.
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
  package let type: FieldType
  package let presence: Presence
  /// `nil`: null, which means that it is not there, or that its owner computes it, as `help` says.
  package let `default`: JSONValue?
  /// A phrase or a few sentences, for documentation.
  package let help: String
  /// Why no value but the default is taken; `nil` where others are.
  package let onlyDefault: String?
  /// The value that changes nothing, as if the field were not there: fingerprints of runs leave it out.
  package let neutral: JSONValue?
  package let label: Label

  package init(
    _ name: String, _ type: FieldType, _ presence: Presence = .optional, default: JSONValue? = nil, help: String,
    onlyDefault: String? = nil, neutral: JSONValue? = nil, label: Label = .hidden
  ) {
    self.name = name
    self.type = type
    self.presence = presence
    self.default = `default`
    self.help = help
    self.onlyDefault = onlyDefault
    self.neutral = neutral
    self.label = label
  }

  /// The same field with another default.
  package func with(default value: JSONValue?) -> Field {
    Field(name, type, presence, default: value, help: help, onlyDefault: onlyDefault, neutral: neutral, label: label)
  }

  /// The same field where it must be given.
  var required: Field {
    Field(name, type, .required, default: `default`, help: help, onlyDefault: onlyDefault, neutral: neutral, label: label)
  }

  /// The unit of its numbers.
  package var unit: FieldUnit { type.unit }
}

extension [Field] {
  package func named(_ name: String) -> Field? { first { $0.name == name } }

  /// An object of all these fields in their order: each with its value, `null` where there is none.
  package func written(_ values: (Field) throws -> JSONValue?) rethrows -> JSONObject {
    var object = JSONObject()
    for field in self {
      let value = try values(field)
      if value != nil || field.presence != .alternative { object[field.name] = value ?? .null }
    }
    return object
  }
}

/// What a number counts.
package enum FieldUnit: String, Hashable, Sendable {
  case none
  /// A length in the threat's norm, of pixels scaled to [0, 1]: attacks scale it with epsilon. It may be written as `"8/255"`.
  case pixels
  case seconds, days, bytes
}
