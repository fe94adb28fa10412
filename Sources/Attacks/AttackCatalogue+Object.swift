import JSON

/// An attack as an object of a document.
extension AttackCatalogue {
  /// One of all attacks, by name.
  package static func object(for use: AttackUse) -> ObjectType { object("Attack", "An attack, by its name.", all, for: use) }

  /// - Parameters:
  ///   - name: of the object, since there may be several.
  ///   - usual: the attack that stands where none is named, with its settings; `nil`: a name is required.
  ///   - elsewhere: attacks that are not among `definitions`, and why.
  ///   - further: what stands beside the settings of every attack.
  package static func object(
    _ name: String, _ summary: String, _ definitions: [AttackDefinition], for use: AttackUse, usual: AttackSettings? = nil,
    elsewhere: [String: String] = [:], and further: [Field] = []
  ) -> ObjectType {
    let variants = definitions.map { definition in
      let own = definition.fields(for: use)
      let fields = definition.name == usual?.name ? own.map { $0.with(default: usual?[$0.name]) } : own
      return Variants.Variant(definition.name, "\(definition.summary) \(definition.traits)", fields + further)
    }
    return ObjectType(
      name, summary,
      variants: Variants("name", variants, default: usual?.name, elsewhere: elsewhere, help: "Which attack."))
  }
}

extension AttackDefinition {
  fileprivate var traits: String {
    let aim = goal == .bounded ? "within epsilon" : "looks for the nearest misclassified image"
    return "A \(access == .gradients ? "white-box" : "black-box") attack, \(aim)."
  }
}

extension AttackSettings {
  /// - Parameter values: an object of `AttackCatalogue.object`, after it was read.
  package init(_ values: FieldValues) {
    let name = values.text("name")
    guard let definition = AttackCatalogue.definition(named: name) else {
      preconditionFailure("the attack \(name) was read and is not there")
    }
    self.init(definition)
    for field in definition.fields { self[field.name] = values.object[field.name] }
  }
}
