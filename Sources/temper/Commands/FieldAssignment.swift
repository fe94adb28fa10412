import JSON

/// `FIELD=VALUE` of a command line.
struct FieldAssignment {
  let field: String
  let text: String

  /// - Returns: `nil` for what has no field, or no value.
  init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    field = parts[0]
    self.text = parts[1]
  }

  /// As JSON; a word that is none is a string, so that no quotes are needed.
  var value: JSONValue { Self.value(of: text) }

  static func value(of text: String) -> JSONValue { (try? JSONValue(parsing: text)) ?? .string(text) }
}
