import Attacks
import JSON

/// The JSON Schema of a training method in a spec, for the contract.
extension TrainingMethod {
  /// Of the fields of the section `training` that depend on the method.
  package var schema: JSONValue {
    let isUsual = self == MethodCatalogue.usual
    var settings = JSONObject()
    for field in fields { settings[field.name] = field.schema }
    var schema: JSONObject = [
      "title": .string(name), "description": .string(summary), "type": "object",
      "properties": [
        "method": isUsual ? ["enum": [.string(name), .null]] : ["const": .string(name)],
        "settings": [
          "type": ["object", "null"], "description": "What this method alone has.", "properties": .object(settings),
          "additionalProperties": false,
        ],
        "attack": attackSchema,
      ],
    ]
    if !isUsual { schema["required"] = ["method"] }
    return .object(schema)
  }

  private var attackSchema: JSONValue {
    guard let attack else { return ["type": "null", "description": "The method attacks nothing."] }
    let taken = attack.isOnly ? [attack.usual.definition] : AttackCatalogue.all
    let choices: [JSONValue] = taken.map { definition in
      guard definition.name == attack.usual.name, case .object(var schema) = definition.schema(for: .training) else {
        return definition.schema(for: .training)
      }
      // It is the one that stands when none is named.
      schema["required"] = nil
      return .object(schema)
    }
    return ["oneOf": .array(choices + [["type": "null"]]), "default": attack.usual.json(for: .training)]
  }
}
