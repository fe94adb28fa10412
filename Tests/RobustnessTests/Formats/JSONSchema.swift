import Foundation
import JSON

/// A validator for the part of JSON Schema draft 4 that the schema of SARIF uses. A keyword that it does not know is a fault, so that no
/// rule of a schema is passed over.
struct JSONSchema {
  private let root: JSONValue

  init(_ root: JSONValue) { self.root = root }

  /// What is wrong, each with its place; empty for a valid document.
  func faults(in value: JSONValue) -> [String] { faults(in: value, by: root, at: "") }

  private func faults(in value: JSONValue, by schema: JSONValue, at place: String) -> [String] {
    guard case .object(let rules) = schema else { return ["\(place): the schema is no object"] }
    return rules.members.flatMap { keyword, rule in
      below(value, keyword, rule, of: schema, at: place)
        + here(value, keyword, rule, at: place).map { "\(place.isEmpty ? "/" : place): \($0)" }
    }
  }

  /// The faults of members and elements, with their places.
  private func below(_ value: JSONValue, _ keyword: String, _ rule: JSONValue, of schema: JSONValue, at place: String) -> [String] {
    switch keyword {
    case "$ref": faults(in: value, by: definition(rule), at: place)
    case "properties": members(value, rule, at: place)
    case "additionalProperties": others(value, rule, of: schema, at: place)
    case "items": Self.list(value).enumerated().flatMap { faults(in: $1, by: rule, at: "\(place)/\($0)") }
    default: []
    }
  }

  /// The faults of the value itself.
  private func here(_ value: JSONValue, _ keyword: String, _ rule: JSONValue, at place: String) -> [String] {
    switch keyword {
    case "$schema", "id", "title", "description", "default", "definitions", "$ref", "properties", "additionalProperties", "items": []
    case "type": Self.types(rule).contains { Self.isOf($0, value) } ? [] : ["is no \(Self.types(rule).joined(separator: " or "))"]
    case "enum": Self.list(rule).contains(value) ? [] : ["\(value.serialised()) is none of \(rule.serialised())"]
    case "anyOf": Self.list(rule).contains { faults(in: value, by: $0, at: place).isEmpty } ? [] : ["matches none of anyOf"]
    case "oneOf": Self.list(rule).count { faults(in: value, by: $0, at: place).isEmpty } == 1 ? [] : ["does not match one of oneOf"]
    case "required": Self.list(rule).compactMap(\.string).filter { value[$0] == nil && Self.isOf("object", value) }.map { "has no \($0)" }
    case "minItems": Self.isOf("array", value) && Self.list(value).count < rule.integer ?? 0 ? ["has too few items"] : []
    case "uniqueItems": rule == true && Set(Self.list(value)).count < Self.list(value).count ? ["has an item twice"] : []
    case "minimum": (value.double ?? .infinity) < (rule.double ?? 0) ? ["is below \(rule.serialised())"] : []
    case "maximum": (value.double ?? -.infinity) > (rule.double ?? 0) ? ["is above \(rule.serialised())"] : []
    case "pattern":
      value.string.map { $0.range(of: rule.string ?? "", options: .regularExpression) == nil } ?? false ? ["has another form"] : []
    case "format": value.string.map { Self.isWritten($0, as: rule.string ?? "") } ?? true ? [] : ["is no \(rule.string ?? "")"]
    default: ["the schema has an unknown keyword \(keyword)"]
    }
  }

  private static func types(_ rule: JSONValue) -> [String] { rule.string.map { [$0] } ?? list(rule).compactMap(\.string) }

  private func definition(_ reference: JSONValue) -> JSONValue {
    let names = (reference.string ?? "").split(separator: "/").dropFirst()
    return names.reduce(root) { $0[String($1)] ?? .null }
  }

  private func members(_ value: JSONValue, _ properties: JSONValue, at place: String) -> [String] {
    guard case .object(let object) = value else { return [] }
    return object.members.flatMap { name, member in
      properties[name].map { faults(in: member, by: $0, at: "\(place)/\(name)") } ?? []
    }
  }

  /// Members that `properties` does not name.
  private func others(_ value: JSONValue, _ rule: JSONValue, of schema: JSONValue, at place: String) -> [String] {
    guard case .object(let object) = value else { return [] }
    let others = object.members.filter { schema["properties"]?[$0.key] == nil }
    if case .bool(let allowed) = rule { return allowed ? [] : others.map { "\(place)/\($0.key): is no member of the schema" } }
    return others.flatMap { faults(in: $0.value, by: rule, at: "\(place)/\($0.key)") }
  }

  private static func list(_ value: JSONValue) -> [JSONValue] {
    guard case .array(let elements) = value else { return [] }
    return elements
  }

  private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
    switch (type, value) {
    case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool), ("integer", .int), ("number", .int),
      ("number", .number), ("null", .null):
      true
    default: false
    }
  }

  /// RFC 3986 and RFC 3339, as far as one pattern can tell.
  private static func isWritten(_ text: String, as format: String) -> Bool {
    let uri = "(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|\\[|\\]|%[0-9A-Fa-f]{2})*"
    let patterns = [
      "uri": "^[A-Za-z][A-Za-z0-9+.-]*:\(uri)$", "uri-reference": "^\(uri)$",
      "date-time": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$",
    ]
    guard let pattern = patterns[format] else { return false }
    return text.range(of: pattern, options: .regularExpression) != nil
  }
}
