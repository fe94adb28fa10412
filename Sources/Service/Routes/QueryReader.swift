import HTTP
import JSON

/// Reads what a request carries behind `?` by the fields that its route has.
struct QueryReader {
  private let fields: [Field]
  private let path: String

  init(_ fields: [Field], path: String) {
    self.fields = fields
    self.path = path
  }

  /// - Throws: 400 for a name that the route does not have, that comes twice, or whose value cannot be.
  func values(of query: Query) throws -> FieldValues {
    for name in query.names where !fields.contains(where: { $0.takes(name) }) {
      let known = fields.isEmpty ? "it has none" : "it has \(fields.map(\.name).joined(separator: ", "))"
      throw HTTPError(
        .badQuery, "\(path) has no query parameter \(name.prefix(100)): \(known).", members: ["parameter": String(name.prefix(100))])
    }
    return FieldValues(try fields.filter { !$0.isFamily }.written { try value(of: $0, in: query) })
  }

  private func value(of field: Field, in query: Query) throws -> JSONValue? {
    let texts = query.all(field.name)
    guard texts.count <= 1 else {
      throw HTTPError(.badQuery, "The query parameter \(field.name) stands there more than once.", members: ["parameter": field.name])
    }
    guard let text = texts.first else {
      if field.presence == .required { throw HTTPError.wrong(field.name, "", "required, \(field.type.requirement)") }
      return field.default
    }
    guard case .success(let value) = field.type.checked(field.type.value(of: text)) else {
      throw HTTPError.wrong(field.name, text, field.type.requirement)
    }
    return value
  }
}

extension Field {
  /// Whether it stands for every name that begins so.
  var isFamily: Bool { name.hasSuffix("*") }

  fileprivate func takes(_ name: String) -> Bool {
    isFamily ? name.hasPrefix(self.name.dropLast()) && name.count >= self.name.count : name == self.name
  }
}

extension FieldType {
  /// What a text in a query means.
  fileprivate func value(of text: String) -> JSONValue {
    switch self {
    case .boolean where text == "true": true
    case .boolean where text == "false": false
    case .integer: Int64(text).map { .int($0) } ?? .string(text)
    case .real: Double(text).map { .number($0) } ?? .string(text)
    default: .string(text)
    }
  }
}

extension HTTPError {
  /// A query parameter that cannot have its value.
  static func wrong(_ name: String, _ value: String, _ right: String) -> HTTPError {
    HTTPError(.badQuery, "\(name)=\(value.prefix(100)) cannot be: \(name) is \(right).", members: ["parameter": name])
  }
}
