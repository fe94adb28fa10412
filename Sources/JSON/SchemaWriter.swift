/// JSON Schema 2020-12 (which OpenAPI 3.1 shares) of fields and objects; named objects become definitions.
///
/// A schema knows what each field takes by itself, and of the fields that depend on others what `ObjectType` says. What a fraction such as
/// `"8/255"` amounts to it cannot check.
package struct SchemaWriter {
  /// How an object is described whose fields depend on one of them.
  package enum VariantForm: Sendable {
    /// As one object with conditions: an editor then says what is wrong at its place.
    case conditions
    /// As a choice of objects, each with all its fields. What generates clients and cases for tests reads these, but not a dozen conditions at
    /// once, whose combinations are too many.
    case choice
  }

  /// Before the name of a definition, in a reference.
  private let prefix: String
  private let form: VariantForm
  /// By name.
  package private(set) var definitions = JSONObject()

  /// - Parameter prefix: `#/$defs/`, or OpenAPI's `#/components/schemas/`.
  package init(prefix: String, form: VariantForm = .conditions) {
    self.prefix = prefix
    self.form = form
  }

  /// A reference to the object's definition, which is made when there is none yet.
  package mutating func reference(to type: ObjectType) -> JSONValue {
    if definitions[type.name] == nil {
      definitions[type.name] = .null  // An object that contains itself ends here.
      definitions[type.name] = .object(object(type))
    }
    return ["$ref": .string(prefix + type.name)]
  }

  /// The schema of a whole document, with its definitions.
  package static func document(_ type: ObjectType, title: String) -> JSONValue {
    var writer = SchemaWriter(prefix: "#/$defs/")
    var schema: JSONObject = ["$schema": "https://json-schema.org/draft/2020-12/schema", "title": .string(title)]
    for (key, value) in writer.object(type).members { schema[key] = value }
    schema["$defs"] = .object(writer.definitions)
    return .object(schema)
  }

  // MARK: Fields

  /// - Parameter nullable: whether null stands for a field that is left out, as everywhere in documents.
  package mutating func schema(of field: Field, nullable: Bool = true) -> JSONObject {
    var schema = schema(of: field.type)
    if field.onlyDefault != nil { schema = Self.only(field.default) }
    if nullable, field.presence != .required { schema = Self.orNull(schema) }
    schema["description"] = .string(field.help + (field.unit == .none ? "" : " In \(field.unit.meaning)."))
    // An empty object stands for one of defaults, and those stand with its fields. Generators of clients know no default that is an object.
    if let value = field.default, value != [:] { schema["default"] = value }
    return schema
  }

  private static func only(_ value: JSONValue?) -> JSONObject {
    // An enumeration of booleans has no name in the languages of clients.
    if case .bool(let flag)? = value { return ["type": "boolean", "not": ["const": .bool(!flag)]] }
    return ["enum": .array(value.map { [$0] } ?? [])]
  }

  private mutating func schema(of type: FieldType) -> JSONObject {
    switch type {
    case .boolean: return ["type": "boolean"]
    case .integer(let range, _): return Self.integer(range)
    case .odd(let range):
      var schema = Self.integer(range)
      // Null, where it may stand for the number, is no integer.
      schema["not"] = ["type": "integer", "multipleOf": 2]
      return schema
    case .real(let interval, let unit): return Self.number(interval, unit)
    case .text(let length):
      return ["type": "string", "minLength": .int(Int64(length.lowerBound)), "maxLength": .int(Int64(length.upperBound))]
    case .word(let words): return ["enum": .array(words.all.map(JSONValue.string))]
    case .extent(let range):
      let one = Self.integer(range)
      return ["anyOf": [.object(one), ["type": "array", "items": .object(one), "minItems": 2, "maxItems": 2]]]
    case .list(let element, let count):
      return [
        "type": "array", "items": .object(schema(of: element)), "minItems": .int(Int64(count.lowerBound)),
        "maxItems": .int(Int64(count.upperBound)),
      ]
    case .textOrTexts(let length, let map):
      return ["anyOf": [.object(schema(of: .text(length))), .object(schema(of: .texts(map)))]]
    case .texts(let map):
      let value: JSONValue = .object(schema(of: .text(map.valueLength)))
      let name: JSONValue = .object(schema(of: .text(map.nameLength)))
      return ["type": "object", "maxProperties": .int(Int64(map.count)), "propertyNames": name, "additionalProperties": value]
    case .lists(let map):
      let name: JSONValue = .object(schema(of: .text(map.nameLength)))
      let value: JSONValue = [
        "type": "array", "items": [:], "minItems": .int(Int64(map.valueLength.lowerBound)),
        "maxItems": .int(Int64(map.valueLength.upperBound)),
      ]
      return ["type": "object", "maxProperties": .int(Int64(map.count)), "propertyNames": name, "additionalProperties": value]
    case .anyObject: return ["type": "object"]
    case .lazyObject(let make):
      guard case .object(let reference) = reference(to: make()) else { return [:] }
      return reference
    case .namedObject(let named, let make):
      return ["anyOf": [["enum": .array(named.map { .string($0.name) })], reference(to: make())]]
    case .only(let constant, _, _): return ["const": constant]
    }
  }

  private static func integer(_ range: ClosedRange<Int>) -> JSONObject {
    var schema: JSONObject = ["type": "integer", "minimum": .int(Int64(range.lowerBound))]
    if range.upperBound < .max { schema["maximum"] = .int(Int64(range.upperBound)) }
    return schema
  }

  private static func number(_ interval: Interval, _ unit: FieldUnit) -> JSONObject {
    var schema: JSONObject = ["type": "number"]
    schema[interval.excludesLower ? "exclusiveMinimum" : "minimum"] = .number(interval.lower)
    if !interval.isUnbounded { schema[interval.excludesUpper ? "exclusiveMaximum" : "maximum"] = .number(interval.upper) }
    guard unit == .pixels else { return schema }
    // Each keyword means one of the two types, and nothing to the other.
    schema["type"] = ["number", "string"]
    schema["pattern"] = .string(Fraction.pattern)
    return schema
  }

  /// Null stands for a field that is left out.
  private static func orNull(_ schema: JSONObject) -> JSONObject {
    var schema = schema
    if case .array(let values)? = schema["enum"] {
      schema["enum"] = .array(values.contains(.null) ? values : values + [.null])
    } else if let constant = schema["const"] {
      schema = ["enum": constant == .null ? [.null] : [constant, .null]]
    } else if case .string? = schema["type"], let type = schema["type"] {
      schema["type"] = [type, "null"]
    } else if case .array(let types)? = schema["type"] {
      schema["type"] = .array(types + ["null"])
    } else {
      schema = ["anyOf": [.object(schema), ["type": "null"]]]
    }
    return schema
  }

  // MARK: Objects

  private mutating func object(_ type: ObjectType) -> JSONObject {
    guard let variants = type.variants else { return closed(type.fields, type.summary, alternatives: type.alternatives) }
    if type.fields.isEmpty || form == .choice {
      return ["description": .string(type.summary), "oneOf": .array(choices(of: type, variants))]
    }
    var schema = open([variants.key] + type.fields)
    schema["description"] = .string(type.summary)
    schema["allOf"] = .array(variants.all.map { condition($0, of: variants) } + (type.alternatives.map { [Self.choice(of: $0)] } ?? []))
    schema["unevaluatedProperties"] = false
    return schema
  }

  /// A definition of its own for a variant: generated clients name their types by it.
  private mutating func define(_ name: String, _ schema: JSONObject) -> JSONValue {
    definitions[name] = .object(schema)
    return ["$ref": .string(prefix + name)]
  }

  private mutating func open(_ fields: [Field]) -> JSONObject {
    var properties = JSONObject()
    for field in fields { properties[field.name] = .object(schema(of: field)) }
    var schema: JSONObject = ["type": "object", "properties": .object(properties)]
    let required = fields.filter { $0.presence == .required }.map { JSONValue.string($0.name) }
    if !required.isEmpty { schema["required"] = .array(required) }
    return schema
  }

  private mutating func closed(_ fields: [Field], _ summary: String, alternatives: Alternatives? = nil) -> JSONObject {
    var schema = open(fields)
    schema["description"] = .string(summary)
    if let alternatives { schema["allOf"] = [Self.choice(of: alternatives)] }
    schema["additionalProperties"] = false
    return schema
  }

  /// An object for each variant, and for each group of fields that stands in the place of a variant's name.
  private mutating func choices(of type: ObjectType, _ variants: Variants) -> [JSONValue] {
    let groups = type.alternatives?.groups ?? []
    let shared = type.fields.filter { !groups.joined().contains($0.name) }
    let named = variants.all.map { variant in
      let isUsual = variants.usual?.name == variant.name
      let key = Field(variants.key.name, .choice([variant.name]), isUsual ? .optional : .required, help: variants.key.help)
      let further = shared.filter { variant.fields.named($0.name) == nil }
      let others = groups.joined().filter { $0 != key.name }
      return choice("\(type.name)-\(variant.name)", [key] + further + variant.fields, without: others, variant.summary)
    }
    let unnamed = groups.filter { !$0.contains(variants.key.name) }.map { group in
      let own = type.fields.filter { group.contains($0.name) }.map(\.required)
      let others = groups.joined().filter { !group.contains($0) }
      return choice("\(type.name)-\(group.joined(separator: "-"))", own + shared, without: others, type.summary)
    }
    return named + unnamed
  }

  /// - Parameter others: fields that are not there, or null, which is the same.
  private mutating func choice(_ name: String, _ fields: [Field], without others: [String], _ summary: String) -> JSONValue {
    var schema = closed(fields, summary)
    schema["title"] = .string(name)
    guard case .object(var properties)? = schema["properties"] else { return define(name, schema) }
    for other in others { properties[other] = ["type": "null"] }
    schema["properties"] = .object(properties)
    return define(name, schema)
  }

  private mutating func condition(_ variant: Variants.Variant, of variants: Variants) -> JSONValue {
    let key = variants.key.name
    let isUsual = variants.usual?.name == variant.name
    var condition: JSONObject = [
      "properties": .object([key: ["enum": isUsual ? [.string(variant.name), .null] : [.string(variant.name)]]])
    ]
    if !isUsual { condition["required"] = [.string(key)] }
    var consequence = open(variant.fields)
    consequence["title"] = .string(variant.name)
    consequence["description"] = .string(variant.summary)
    return ["if": .object(condition), "then": .object(consequence)]
  }

  /// One group is there as a whole, and no field of the others.
  private static func choice(of alternatives: Alternatives) -> JSONValue {
    let groups = alternatives.groups.map { group -> JSONValue in
      var properties = JSONObject()
      for name in alternatives.groups.joined() { properties[name] = group.contains(name) ? ["not": ["type": "null"]] : ["type": "null"] }
      return ["properties": .object(properties), "required": .array(group.map(JSONValue.string))]
    }
    return ["oneOf": .array(groups)]
  }
}

extension FieldUnit {
  /// To go after "in".
  var meaning: String { self == .pixels ? "pixels scaled to [0, 1]" : rawValue }
}
