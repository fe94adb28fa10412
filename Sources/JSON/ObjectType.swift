/// What an object may hold: its fields, some of which may depend on the value of one of them.
package struct ObjectType: Sendable {
  /// In a schema, the name of the definition; in a document, the heading.
  package let name: String
  package let summary: String
  package let variants: Variants?
  /// The fields of every variant.
  package let fields: [Field]
  package let alternatives: Alternatives?
  /// Names of fields that would be right in another object, and why they are not here.
  package let elsewhere: [String: String]

  package init(
    _ name: String, _ summary: String, variants: Variants? = nil, alternatives: Alternatives? = nil, fields: [Field] = [],
    elsewhere: [String: String] = [:]
  ) {
    self.name = name
    self.summary = summary
    self.variants = variants
    self.alternatives = alternatives
    self.elsewhere = elsewhere
    self.fields = fields
  }
}

/// Fields that depend on a word, such as those of an attack on its name.
package struct Variants: Sendable {
  package struct Variant: Sendable {
    package let name: String
    package let summary: String
    package let fields: [Field]

    package init(_ name: String, _ summary: String, _ fields: [Field]) {
      self.name = name
      self.summary = summary
      self.fields = fields
    }
  }

  /// The field that names the variant, a word.
  package let key: Field
  /// At least one.
  package let all: [Variant]

  /// - Parameters:
  ///   - default: the variant that stands where none is named; `nil`: one must be named.
  ///   - elsewhere: names that are right in another place, and why they are not here.
  ///   - otherwise: what to give instead of a name; the object's `alternatives` say how.
  package init(
    _ key: String, _ all: [Variant], default: String? = nil, later: [String] = [], elsewhere: [String: String] = [:],
    otherwise: String? = nil, help: String
  ) {
    self.all = all
    let words = Words(all.map(\.name), later: later, elsewhere: elsewhere, otherwise: otherwise.map { (key, $0) })
    let presence = otherwise != nil ? Field.Presence.alternative : `default` == nil ? .required : .optional
    self.key = Field(key, .word(words), presence, default: `default`.map(JSONValue.string), help: help)
  }

  package func named(_ name: String) -> Variant? { all.first { $0.name == name } }

  /// The variant that stands where none is named.
  var usual: Variant? { key.default?.string.flatMap(named) }

  /// The variant that a faulty name was probably meant to be; `nil` for a name that is right in another place.
  func nearest(to value: JSONValue?) -> Variant? {
    guard let name = value?.string, case .word(let words) = key.type else { return usual }
    if words.elsewhere[name] != nil { return nil }
    return Spelling.nearest(to: name, among: words.all).flatMap(named) ?? usual
  }
}

/// Fields of which one must be given, or one group of them.
package struct Alternatives: Sendable {
  /// The first group of which a field is given counts; fields of others beside it are a conflict.
  package let groups: [[String]]
  /// The group that is asked for when none is given, by its place.
  package let usual: Int
  /// What to do about a conflict.
  package let conflict: String

  package init(_ groups: [[String]], usual: Int = 0, conflict: String) {
    self.groups = groups
    self.usual = usual
    self.conflict = conflict
  }
}
