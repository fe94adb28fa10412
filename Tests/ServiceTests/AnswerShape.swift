import Foundation
import JSON

/// Checks a value against a schema of the contract, with the keywords that answers use. What it does not check are specs, whose schemas
/// have conditions.
struct AnswerShape {
  let schemas: JSONValue

  /// Where the value does not fit, and why.
  func faults(_ value: JSONValue, _ schema: JSONValue, at place: String = "") -> [String] {
    if let reference = schema["$ref"]?.text {
      let name = reference.split(separator: "/").last.map(String.init) ?? ""
      if name == "JobSpec" { return [] }
      guard let definition = schemas[name] else { return ["\(place): no \(name)"] }
      return faults(value, definition, at: place)
    }
    if let choices = schema["anyOf"]?.list {
      return choices.contains { faults(value, $0, at: place).isEmpty } ? [] : ["\(place): \(value.serialised()) is none of the choices"]
    }
    if let type = schema["type"], !fits(value, type) { return ["\(place): \(value.serialised().prefix(80)) is no \(type.serialised())"] }
    if let words = schema["enum"]?.list, !words.contains(value) { return ["\(place): \(value.serialised()) is not in the enum"] }
    if let constant = schema["const"], constant != value { return ["\(place): not \(constant.serialised())"] }
    if let least = schema["minimum"]?.double, let number = value.double, number < least { return ["\(place): below \(least)"] }
    if let pattern = schema["pattern"]?.text, let text = value.text {
      guard (try? Regex(pattern).firstMatch(in: text)) != nil else { return ["\(place): \(text) has not the form \(pattern)"] }
    }
    switch value {
    case .array(let elements):
      guard let items = schema["items"] else { return [] }
      return elements.enumerated().flatMap { faults($1, items, at: "\(place)/\($0)") }
    case .object(let object): return members(object, schema, at: place)
    default: return []
    }
  }

  private func members(_ object: JSONObject, _ schema: JSONValue, at place: String) -> [String] {
    let required = (schema["required"]?.list ?? []).compactMap(\.text).filter { object[$0] == nil }
    return required.map { "\(place): \($0) is missing" }
      + object.members.flatMap { name, value -> [String] in
        if let known = schema["properties"]?[name] { return faults(value, known, at: "\(place)/\(name)") }
        switch schema["additionalProperties"] {
        case .bool(false)?: return ["\(place)/\(name) is not in the contract"]
        case .object(let other)?: return faults(value, .object(other), at: "\(place)/\(name)")
        default: return []
        }
      }
  }

  private func fits(_ value: JSONValue, _ type: JSONValue) -> Bool {
    switch type {
    case .array(let types): types.contains { fits(value, $0) }
    case "null": value == .null
    case "boolean": if case .bool = value { true } else { false }
    case "string": value.text != nil
    case "integer": value.integer != nil
    case "number": if case .int = value { true } else if case .number = value { true } else { false }
    case "array": if case .array = value { true } else { false }
    case "object": if case .object = value { true } else { false }
    default: false
    }
  }
}
