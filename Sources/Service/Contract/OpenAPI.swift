import Datasets
import HTTP
import JSON
import Jobs
import Training

/// The contract as OpenAPI 3.1, made of the table of routes and the tables beside this file, so that it cannot name what is not there.
struct OpenAPI {
  private let table: [Endpoint]
  /// Whether tokens are asked for.
  private let needsTokens: Bool

  init(_ table: [Endpoint], needsTokens: Bool) {
    self.table = table
    self.needsTokens = needsTokens
  }

  var document: JSONValue {
    var writer = ShapeWriter()
    var paths = JSONObject()
    for endpoint in table {
      var item = JSONObject()
      if case .object(let known)? = paths[endpoint.path] { item = known }
      item[endpoint.method.rawValue.lowercased()] = operation(endpoint, &writer)
      paths[endpoint.path] = .object(item)
    }
    var schemas: JSONObject = ["Problem": Self.problem]
    for (name, schema) in writer.definitions.members { schemas[name] = schema }
    var document: JSONObject = [
      "openapi": "3.1.0",
      "info": [
        "title": "Temper", "version": .string(TemperVersion.current),
        "description": "Trains image classifiers adversarially and reports how robust they are.",
      ],
      "paths": .object(paths), "components": ["schemas": .object(schemas), "securitySchemes": Self.securitySchemes],
    ]
    // A fault of this table, which a test looks for.
    if !writer.collisions.isEmpty { document["x-temper-ambiguous"] = .array(writer.collisions.sorted().map(JSONValue.string)) }
    return .object(document)
  }

  private func operation(_ endpoint: Endpoint, _ writer: inout ShapeWriter) -> JSONValue {
    var operation: JSONObject = [
      "operationId": .string(endpoint.name), "summary": .string(endpoint.summary), "x-temper-access": .string(endpoint.access.rawValue),
      "x-temper-scope": .string(endpoint.scope.rawValue),
    ]
    if endpoint.access != .anyone { operation["security"] = .array([["bearer": []], ["session": []]] + (needsTokens ? [] : [[:]])) }
    // OpenAPI has no way to describe a family of names as query parameters.
    let query = endpoint.parameters.filter { !$0.isFamily }.map { Self.parameter($0, of: endpoint, &writer) }
    let parameters = Self.pathParameters(endpoint.path) + query + (endpoint.creates ? [Self.idempotencyKey] : [])
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    operation["requestBody"] = Self.body(of: endpoint, &writer)
    operation["responses"] = .object(answers(of: endpoint, &writer))
    return .object(operation)
  }

  // MARK: Requests

  private static func body(of endpoint: Endpoint, _ writer: inout ShapeWriter) -> JSONValue? {
    var content = JSONObject()
    switch endpoint.body {
    case .none: return nil
    case .json(let type), .jsonOrNothing(let type):
      var media: JSONObject = ["schema": writer.inputs.reference(to: type)]
      media["example"] = Examples.ofOperations[endpoint.name]
      content["application/json"] = .object(media)
    case .upload(let types):
      for type in types { content[type] = ["schema": type == MediaType.form ? form : ["type": "string", "format": "binary"]] }
    }
    if case .jsonOrNothing = endpoint.body { return ["required": false, "content": .object(content)] }
    return ["required": true, "content": .object(content)]
  }

  /// The files of every format that comes as a form; which of them there are, the format says.
  private static let form: JSONValue = {
    let parts = Set(DatasetFormat.allCases.filter(\.isMultipart).flatMap { $0.parts + $0.optionalParts }).sorted()
    return [
      "type": "object",
      "properties": .object(parts.reduce(into: JSONObject()) { $0[$1] = ["type": "string", "format": "binary"] }),
      "additionalProperties": false,
    ]
  }()

  private static func pathParameters(_ path: String) -> [JSONValue] {
    path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
      let name = String(segment.dropFirst().dropLast())
      var schema: JSONObject = ["type": "string", "minLength": 1]
      if let pattern = pattern(of: name, in: path) { schema["pattern"] = .string(pattern) }
      return ["name": .string(name), "in": "path", "required": true, "schema": .object(schema)]
    }
  }

  /// The form of the ids in a path: of the one named `name`, or of a list's cursor.
  private static func pattern(of name: String, in path: String) -> String? {
    if name == "checkpoint" {
      return "^(\(([Identifier.checkpoint.expression] + CheckpointRole.allCases.map(\.rawValue)).joined(separator: "|")))$"
    }
    if name == "other" { return Identifier.job.pattern }
    switch path.split(separator: "/").dropFirst().first {
    case "jobs": return Identifier.job.pattern
    case "sweeps": return Identifier.sweep.pattern
    case "tokens": return Identifier.token.pattern
    case "webhooks": return Identifier.webhook.pattern
    case "schedules": return Identifier.schedule.pattern
    case "models": return Identifier.model.pattern
    case "datasets": return "^(\(([Identifier.dataset.expression] + DatasetSource.builtInNames).joined(separator: "|")))$"
    default: return nil
    }
  }

  private static func parameter(_ field: Field, of endpoint: Endpoint, _ writer: inout ShapeWriter) -> JSONValue {
    var schema = writer.inputs.schema(of: field, nullable: false)
    schema["description"] = nil
    if field.name == "after", schema["type"] == "string" {
      // Lists of what belongs to the thing that the path names.
      let parts: [String: Identifier] = ["checkpoints": .checkpoint, "deliveries": .delivery]
      let part = endpoint.path.split(separator: "/").last.flatMap { parts[String($0)] }
      let presets = endpoint.path.hasSuffix("/architectures") ? Routes.architectureNames : nil
      if let presets {
        schema = ["type": "string", "enum": .array(presets.map(JSONValue.string))]
      } else if let pattern = part?.pattern ?? pattern(of: "id", in: endpoint.path) {
        schema = ["type": "string", "pattern": .string(pattern)]
      }
    }
    // A NUL is refused wherever it stands in a query.
    if case .text = field.type, schema["pattern"] == nil { schema["pattern"] = "^[^\\x00]*$" }
    if field.name == "resize" { schema["pattern"] = .string(DatasetOptions.Size.pattern) }
    // A control character in a name would show in no list.
    if field.name == "name" { schema["pattern"] = "^[^\\x00-\\x1f\\x7f]*$" }
    return [
      "name": .string(field.name), "in": "query", "required": .bool(field.presence == .required), "description": .string(field.help),
      "schema": .object(schema),
    ]
  }

  private static let idempotencyKey: JSONValue = [
    "name": "Idempotency-Key", "in": "header", "required": false,
    "description": "The same key and the same body get the same answer again for a day, and create nothing again.",
    "schema": ["type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$"],
  ]

  // MARK: Answers

  private func answers(of endpoint: Endpoint, _ writer: inout ShapeWriter) -> JSONObject {
    var all = JSONObject()
    for (status, meaning) in endpoint.answers.sorted(by: { $0.key < $1.key }) {
      var answer: JSONObject = ["description": .string(meaning)]
      if status < 300, status != 204 { answer["content"] = Self.content(endpoint, status, &writer) }
      if endpoint.creates, status == 201 { answer["links"] = links(from: endpoint) }
      all[String(status)] = .object(answer)
    }
    for status in endpoint.refusals.subtracting(endpoint.answers.keys).sorted() {
      all[String(status)] = Self.refusal(Endpoint.refusalMeanings[status] ?? "")
    }
    all["default"] = Self.refusal("What is wrong.")
    return all
  }

  private static func content(_ endpoint: Endpoint, _ status: Int, _ writer: inout ShapeWriter) -> JSONValue {
    var content = JSONObject()
    for type in endpoint.types {
      switch type {
      case "application/json":
        let known = AnswerType.ofOperations[endpoint.name]?[status]
        content[type] = ["schema": .object(known.map { writer.schema(.object($0)) } ?? ["type": "object"])]
      case let type where type.hasSuffix("+json"): content[type] = ["schema": ["type": "object"]]
      case let type where type.hasPrefix("text/") || type.hasSuffix("xml"): content[type] = ["schema": ["type": "string"]]
      default: content[type] = ["schema": ["type": "string", "format": "binary"]]
      }
    }
    return .object(content)
  }

  /// From what was created to the operations on it.
  private func links(from endpoint: Endpoint) -> JSONValue {
    let collection = endpoint.path.split(separator: "/").prefix(2).joined(separator: "/")
    let further = table.filter { $0.path.hasPrefix("/\(collection)/{id}") && $0.path.count { $0 == "{" } == 1 }
    return .object(
      further.reduce(into: JSONObject()) { links, other in
        links[other.name] = ["operationId": .string(other.name), "parameters": ["id": "$response.body#/id"]]
      })
  }

  private static func refusal(_ meaning: String) -> JSONValue {
    [
      "description": .string(meaning),
      "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
    ]
  }

  /// RFC 9457. Its further members depend on `type`.
  private static let problem: JSONValue = [
    "type": "object", "description": "What is wrong (RFC 9457).",
    "properties": [
      "type": [
        "type": "string",
        "description": "urn:temper:problem: and a code, which never changes its meaning; about:blank says no more than the status.",
        "enum": .array([.string("about:blank")] + ProblemCode.allCases.map { .string("urn:temper:problem:\($0.rawValue)") }),
      ],
      "title": ["type": "string"], "status": ["type": "integer"], "detail": ["type": "string"], "request_id": ["type": "string"],
      "errors": [
        "type": "array", "description": "Every fault of the body.",
        "items": [
          "type": "object", "required": ["pointer", "code", "detail"],
          "properties": [
            "pointer": ["type": "string", "description": "RFC 6901"],
            "code": ["type": "string", "enum": .array(FieldFault.Code.allCases.map { .string($0.rawValue) })],
            "detail": ["type": "string"],
          ],
        ],
      ],
    ],
    "required": ["type", "title", "status", "request_id"],
  ]

  private static let securitySchemes: JSONValue = [
    "bearer": ["type": "http", "scheme": "bearer", "description": "A token, as temper token create or POST /v1/tokens gives it."],
    "session": ["type": "apiKey", "in": "cookie", "name": "temper_session", "description": "What POST /v1/session makes of a token."],
  ]
}
