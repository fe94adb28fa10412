import Attacks
import HTTP
import JSON
import Robustness
import Training

/// The contract as OpenAPI 3.1, made of the table of routes, so that it cannot name what is not there.
struct OpenAPI {
  private let table: [Endpoint]

  init(_ table: [Endpoint]) { self.table = table }

  var document: JSONValue {
    var paths = JSONObject()
    for endpoint in table {
      var item = JSONObject()
      if case .object(let known)? = paths[endpoint.path] { item = known }
      item[endpoint.method.rawValue.lowercased()] = operation(endpoint)
      paths[endpoint.path] = .object(item)
    }
    return [
      "openapi": "3.1.0",
      "info": [
        "title": "Temper", "version": .string(TemperVersion.current),
        "description": "Trains image classifiers adversarially and reports how robust they are.",
      ],
      "paths": .object(paths),
      "components": [
        "schemas": ["Problem": Self.problem, "List": Self.list, "Attack": Self.attack, "Training": Self.training],
        "responses": ["Problem": Self.problemAnswer],
      ],
    ]
  }

  private func operation(_ endpoint: Endpoint) -> JSONValue {
    var operation: JSONObject = ["operationId": .string(endpoint.name), "summary": .string(endpoint.summary)]
    var parameters = Self.pathParameters(endpoint.path) + endpoint.parameters.compactMap(Self.parameter)
    if endpoint.creates {
      parameters.append([
        "name": "Idempotency-Key", "in": "header", "required": false, "schema": ["type": "string", "minLength": 1, "maxLength": 255],
      ])
    }
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    switch endpoint.body {
    case .none: break
    case .json(let schema): operation["requestBody"] = Self.body(["application/json"], schema: schema)
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
    for type in types { content[type] = type == "application/json" ? ["schema": ["type": "object"]] : ["schema": ["type": "string"]] }
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

  /// nil for a family of names, which OpenAPI has no way to describe as query parameters.
  private static func parameter(_ parameter: Endpoint.Parameter) -> JSONValue? {
    guard !parameter.name.hasSuffix("*") else { return nil }
    return [
      "name": .string(parameter.name), "in": "query", "required": false, "description": .string(parameter.description),
      "schema": schema(parameter.schema),
    ]
  }

  private static func schema(_ schema: Endpoint.Parameter.Schema) -> JSONValue {
    switch schema {
    case .text: ["type": "string"]
    case .boolean: ["type": "boolean"]
    case .choice(let values): ["type": "string", "enum": .array(values.map(JSONValue.string))]
    case .integer(let range):
      range.upperBound == .max
        ? ["type": "integer", "minimum": .int(Int64(range.lowerBound))]
        : ["type": "integer", "minimum": .int(Int64(range.lowerBound)), "maximum": .int(Int64(range.upperBound))]
    }
  }

  /// A job spec, as far as its schema is made from tables.
  static let jobSpec: JSONValue = [
    "type": "object",
    "properties": [
      "training": ["oneOf": [["$ref": "#/components/schemas/Training"], ["type": "null"]]],
      "evaluation": [
        "type": ["object", "null"],
        "properties": ["attacks": ["type": ["array", "null"], "items": ["$ref": "#/components/schemas/Attack"]]],
      ],
    ],
  ]

  /// An attack of an evaluation: one of those in the catalogue.
  private static let attack: JSONValue = ["oneOf": .array(AttackCatalogue.all.map { $0.schema(for: .evaluation) })]

  /// The section `training`, as far as it depends on the method: one of those in the catalogue.
  private static let training: JSONValue = ["oneOf": .array(MethodCatalogue.all.map(\.schema))]

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
