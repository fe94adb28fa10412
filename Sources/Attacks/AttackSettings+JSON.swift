import JSON

extension AttackSettings {
  /// As a completed spec shows it: every field written out, `null` for what the attack computes for itself.
  package func json(for use: AttackUse) -> JSONValue {
    var object: JSONObject = ["name": .string(name)]
    for (name, value) in definition.fields(for: use).written({ self[$0.name] }).members { object[name] = value }
    return .object(object)
  }
}

/// In a report an attack is an object of its name and its fields; what the attack computes for itself is left out.
extension AttackSettings: Codable {
  private struct Key: CodingKey {
    static let name = Key(stringValue: "name")
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let name = try container.decode(String.self, forKey: .name)
    guard let definition = AttackCatalogue.definition(named: name) else {
      throw DecodingError.dataCorruptedError(forKey: .name, in: container, debugDescription: "there is no attack \(name)")
    }
    self.init(definition)
    for field in definition.fields {
      let key = Key(stringValue: field.name)
      guard let given = try container.decodeIfPresent(JSONValue.self, forKey: key) else { continue }
      guard let value = field.type.normalised(given) else {
        throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "\(field.name) has another type")
      }
      self[field.name] = value
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    for field in definition.fields { try container.encodeIfPresent(self[field.name], forKey: Key(stringValue: field.name)) }
  }
}
