import Attacks
import JSON

extension AttackSettings {
  /// Reads an attack by the fields of its definition.
  ///
  /// - Parameter usual: what stands when no attack is named; `nil`: a name is required.
  static func read(_ reader: SpecReader, for use: AttackUse, default usual: AttackSettings? = nil) -> AttackSettings {
    if usual == nil { reader.require("name") }
    let name = reader.word("name", among: AttackCatalogue.names, later: AttackCatalogue.later)
    let definition = name.flatMap(AttackCatalogue.definition(named:)) ?? usual?.definition ?? .pgd
    var settings = usual?.name == definition.name ? usual ?? AttackSettings(definition) : AttackSettings(definition)
    for field in definition.fields(for: use) {
      if let value = read(field, reader) { settings[field.name] = value }
    }
    if name == nil, reader.has("name") { acceptFieldsOfOthers(reader, for: use) }
    reader.finish()
    return settings
  }

  static func read(_ field: AttackField, _ reader: SpecReader) -> JSONValue? {
    let value: JSONValue? =
      switch field.kind {
      case .integer(let range): reader.integer(field.name, in: range).map { .int(Int64($0)) }
      case .number(let range, let excluded): reader.number(field.name, in: range, excluding: excluded).map { .number($0) }
      case .boolean: reader.optionalFlag(field.name).map { .bool($0) }
      }
    if let value, value != field.default, let reason = field.onlyDefault { reader.note(field.name, .conflict, reason) }
    return value
  }

  /// Whose fields stand beside a name that is unknown, nobody can tell: only those that no attack has are refused.
  private static func acceptFieldsOfOthers(_ reader: SpecReader, for use: AttackUse) {
    let known = Set(AttackCatalogue.all.flatMap { $0.fields(for: use) }.map(\.name))
    for key in reader.rest where known.contains(key) { _ = reader.value(key) }
  }
}
