import JSON

/// A job whose result is meant, by its labels: `{"label.branch": "main"}` is the newest that succeeded of those with that label.
package struct WeightLabels: Hashable, Sendable {
  static let prefix = "label."
  static let map = TextMap(("label", "labels"), count: 8, nameLength: 1...69, valueLength: 0...255)

  /// As they are written, each name behind the prefix.
  let written: [String: String]

  /// - Returns: `nil` for what is no object of strings.
  init?(_ value: JSONValue) {
    guard case .object(let object) = value else { return nil }
    written = object.members.reduce(into: [:]) { $0[$1.key] = $1.value.string }
    guard written.count == object.keys.count else { return nil }
  }

  /// - Returns: `nil` when there are none, or a name lacks the prefix.
  var labels: [String: String]? {
    guard !written.isEmpty, written.keys.allSatisfy({ $0.hasPrefix(Self.prefix) }) else { return nil }
    return Dictionary(uniqueKeysWithValues: written.map { (String($0.key.dropFirst(Self.prefix.count)), $0.value) })
  }
}
