import JSON

/// The JSON Schema of an attack in a spec, for the contract.
extension AttackDefinition {
  package func schema(for use: AttackUse) -> JSONValue {
    var properties: JSONObject = ["name": ["const": .string(name)]]
    for field in fields(for: use) { properties[field.name] = field.schema }
    return [
      "title": .string(name), "description": .string(summary + " " + traits), "type": "object", "properties": .object(properties),
      "required": ["name"], "additionalProperties": false,
    ]
  }

  private var traits: String {
    let aim = goal == .bounded ? "within epsilon" : "looks for the nearest misclassified image"
    let restriction = norms == Norm.allCases ? "" : ", for the norms: \(norms.map(\.rawValue).joined(separator: ", "))"
    return "A \(access == .gradients ? "white-box" : "black-box") attack, \(aim)\(restriction)."
  }
}

extension AttackField {
  /// `null` stands for a field that is left out, everywhere.
  fileprivate var schema: JSONValue {
    var schema: JSONObject = ["description": .string(help + (unit == .pixels ? " In pixels scaled to [0, 1]." : ""))]
    if onlyDefault != nil {
      schema["enum"] = .array((self.default.map { [$0] } ?? []) + [.null])
    } else {
      switch kind {
      case .integer(let range):
        schema["type"] = ["integer", "null"]
        schema["minimum"] = .int(Int64(range.lowerBound))
        schema["maximum"] = .int(Int64(range.upperBound))
      case .number(let range, let excluded):
        schema["type"] = ["number", "null"]
        schema[excluded == range.lowerBound ? "exclusiveMinimum" : "minimum"] = .number(range.lowerBound)
        schema["maximum"] = .number(range.upperBound)
      case .boolean: schema["type"] = ["boolean", "null"]
      }
    }
    schema["default"] = self.default ?? .null
    return .object(schema)
  }
}
