import JSON

/// What an answer holds, as JSON Schema. Requests are described by `ObjectType`, which also reads them; answers need no reading, and
/// `AnswerShapeTests` holds real ones against these.
indirect enum Shape: Sendable {
  case boolean, anything
  case text
  /// A text of this form (a regular expression).
  case pattern(String)
  /// RFC 3339, UTC.
  case timestamp
  case words([String])
  /// Always this text.
  case constant(String)
  case integer(atLeast: Int)
  case number(atLeast: Double?)
  /// A measured number, which may be none: then it is a string (RFC 8259 has no such numbers).
  case figure
  case list(Shape)
  case map(Shape)
  case orNull(Shape)
  case object(AnswerType)
  /// What a request sent, or could send.
  case input(ObjectType)
  /// An object whose members depend on something else.
  case open

  static func words<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> Shape where Choice.RawValue == String {
    .words(Choice.allCases.map(\.rawValue))
  }

  static let count = Shape.integer(atLeast: 0)
  static let share = Shape.number(atLeast: 0)
  static let sha256 = Shape.pattern("^[0-9a-f]{64}$")
}

/// An object of an answer; a definition of its own in the contract.
struct AnswerType: Sendable {
  struct Member: Sendable {
    let name: String
    let shape: Shape
    let help: String?
    /// Whether it may be missing.
    let isOptional: Bool

    init(_ name: String, _ shape: Shape, _ help: String? = nil, isOptional: Bool = false) {
      self.name = name
      self.shape = shape
      self.help = help
      self.isOptional = isOptional
    }
  }

  let name: String
  let summary: String
  let members: [Member]

  init(_ name: String, _ summary: String, _ members: [Member]) {
    self.name = name
    self.summary = summary
    self.members = members
  }
}

/// Writes shapes as schemas; each object becomes a definition.
struct ShapeWriter {
  private let prefix = "#/components/schemas/"
  /// Of requests.
  var inputs: SchemaWriter
  private var own = JSONObject()

  init() { inputs = SchemaWriter(prefix: prefix, form: .choice) }

  /// Names that requests and answers both define, with different meanings: there must be none.
  var collisions: Set<String> { Set(own.keys).intersection(inputs.definitions.keys) }

  /// All definitions, by name.
  var definitions: JSONObject {
    var all = own
    for (name, schema) in inputs.definitions.members { all[name] = schema }
    return all
  }

  mutating func schema(_ shape: Shape) -> JSONObject {
    switch shape {
    case .anything: return [:]
    case .boolean: return ["type": "boolean"]
    case .text: return ["type": "string"]
    case .pattern(let pattern): return ["type": "string", "pattern": .string(pattern)]
    case .timestamp: return ["type": "string", "format": "date-time"]
    case .words(let words): return ["type": "string", "enum": .array(words.map(JSONValue.string))]
    case .constant(let text): return ["type": "string", "const": .string(text)]
    case .integer(let least): return ["type": "integer", "minimum": .int(Int64(least))]
    case .number(let least):
      var schema: JSONObject = ["type": "number"]
      if let least { schema["minimum"] = .number(least) }
      return schema
    case .figure: return ["anyOf": [["type": "number"], ["type": "string", "enum": ["NaN", "Infinity", "-Infinity"]]]]
    case .list(let element): return ["type": "array", "items": .object(schema(element))]
    case .map(let value): return ["type": "object", "additionalProperties": .object(schema(value))]
    case .orNull(let other): return orNull(other)
    case .object(let type): return ["$ref": .string(reference(type))]
    case .input(let type):
      guard case .object(let reference) = inputs.reference(to: type) else { return [:] }
      return reference
    case .open: return ["type": "object", "additionalProperties": true]
    }
  }

  private mutating func orNull(_ shape: Shape) -> JSONObject {
    var schema = schema(shape)
    guard case .string? = schema["type"], let type = schema["type"], schema["enum"] == nil else {
      return ["anyOf": [.object(schema), ["type": "null"]]]
    }
    schema["type"] = [type, "null"]
    return schema
  }

  private mutating func reference(_ type: AnswerType) -> String {
    if own[type.name] == nil {
      own[type.name] = .null
      var properties = JSONObject()
      for member in type.members {
        var schema = schema(member.shape)
        if let help = member.help { schema["description"] = .string(help) }
        properties[member.name] = .object(schema)
      }
      own[type.name] = [
        "type": "object", "description": .string(type.summary), "properties": .object(properties),
        "required": .array(type.members.filter { !$0.isOptional }.map { .string($0.name) }), "additionalProperties": false,
      ]
    }
    return prefix + type.name
  }
}
