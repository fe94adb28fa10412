import HTTP
import JSON

/// The contract as OpenAPI 3.1, made of the table of routes, so that it cannot name what is not there.
struct OpenAPI {
  private let table: [Endpoint]

  init(_ table: [Endpoint]) { self.table = table }

  var document: JSONValue {
    var writer = SchemaWriter(prefix: "#/components/schemas/")
    var paths = JSONObject()
    for endpoint in table {
      var item = JSONObject()
      if case .object(let known)? = paths[endpoint.path] { item = known }
      item[endpoint.method.rawValue.lowercased()] = operation(endpoint, &writer)
      paths[endpoint.path] = .object(item)
    }
    var schemas: JSONObject = ["Problem": Self.problem, "List": Self.list]
    for (name, schema) in writer.definitions.members { schemas[name] = schema }
    return [
      "openapi": "3.1.0",
      "info": [
        "title": "Temper", "version": .string(TemperVersion.current),
        "description": "Trains image classifiers adversarially and reports how robust they are.",
      ],
      "paths": .object(paths), "components": ["schemas": .object(schemas), "responses": ["Problem": Self.problemAnswer]],
    ]
  }

  private func operation(_ endpoint: Endpoint, _ writer: inout SchemaWriter) -> JSONValue {
    var operation: JSONObject = [
      "operationId": .string(endpoint.name), "summary": .string(endpoint.summary), "x-temper-access": .string(endpoint.access.rawValue),
      "x-temper-scope": .string(endpoint.scope.rawValue),
    ]
    // OpenAPI has no way to describe a family of names as query parameters.
    let query = endpoint.parameters.filter { !$0.isFamily }.map { Self.parameter($0, &writer) }
    let parameters = Self.pathParameters(endpoint.path) + query + (endpoint.creates ? [Self.idempotencyKey] : [])
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    switch endpoint.body {
    case .none: break
    case .json(let type): operation["requestBody"] = Self.body(["application/json"], schema: writer.reference(to: type))
    case .upload(let types): operation["requestBody"] = Self.body(types, schema: [:])
    }
    var answers = JSONObject()
    for (status, meaning) in endpoint.answers.sorted(by: { $0.key < $1.key }) {
      var answer: JSONObject = ["description": .string(meaning)]
      if status < 300, status != 204 { answer["content"] = Self.content(endpoint.types) }
      answers[String(status)] = .object(answer)
    }
    answers["default"] = ["$ref": "#/components/responses/Problem"]
    operation["responses"] = .object(answers)
    return .object(operation)
  }

  private static func content(_ types: [String]) -> JSONValue {
    var content = JSONObject()
    for type in types { content[type] = type.hasSuffix("json") ? ["schema": ["type": "object"]] : ["schema": ["type": "string"]] }
    return .object(content)
  }

  private static func body(_ types: [String], schema: JSONValue) -> JSONValue {
    var content = JSONObject()
    for type in types { content[type] = ["schema": schema] }
    return ["required": true, "content": .object(content)]
  }

  private static func pathParameters(_ path: String) -> [JSONValue] {
    path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
      ["name": .string(String(segment.dropFirst().dropLast())), "in": "path", "required": true, "schema": ["type": "string"]]
    }
  }

  private static func parameter(_ field: Field, _ writer: inout SchemaWriter) -> JSONValue {
    var schema = writer.schema(of: field, nullable: false)
    schema["description"] = nil
    return [
      "name": .string(field.name), "in": "query", "required": .bool(field.presence == .required), "description": .string(field.help),
      "schema": .object(schema),
    ]
  }

  private static let idempotencyKey: JSONValue = [
    "name": "Idempotency-Key", "in": "header", "required": false, "schema": ["type": "string", "minLength": 1, "maxLength": 255],
  ]

  private static let problem: JSONValue = [
    "type": "object", "description": "RFC 9457",
    "properties": [
      "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"], "detail": ["type": "string"],
      "request_id": ["type": "string"],
      "errors": [
        "type": "array",
        "items": [
          "type": "object", "required": ["pointer", "code", "detail"],
          "properties": ["pointer": ["type": "string"], "code": ["type": "string"], "detail": ["type": "string"]],
        ],
      ],
    ],
    "required": ["type", "title", "status", "request_id"],
  ]

  private static let list: JSONValue = [
    "type": "object", "required": ["object", "data", "has_more", "first_id", "last_id"],
    "properties": [
      "object": ["const": "list"], "data": ["type": "array"], "has_more": ["type": "boolean"], "first_id": [:], "last_id": [:],
    ],
  ]

  private static let problemAnswer: JSONValue = [
    "description": "What is wrong.",
    "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
  ]
}
