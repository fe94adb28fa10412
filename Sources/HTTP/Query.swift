/// The query of a target as decoded `name=value` pairs, in their order. `+` means a blank, as in forms.
package struct Query: Sendable, Equatable {
  package struct Item: Sendable, Equatable {
    package let name: String
    /// Empty where the pair had no `=`.
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package let items: [Item]

  package init(_ items: [Item] = []) { self.items = items }

  /// nil when an escape is invalid or the text is not UTF-8.
  package init?(parsing text: some StringProtocol) {
    guard let query = try? Query(decoding: text) else { return nil }
    self = query
  }

  /// - Throws: why an escape cannot be decoded.
  init(decoding text: some StringProtocol) throws(PercentEncoding.Fault) {
    var items: [Item] = []
    for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let name = try PercentEncoding.decode(parts[0], plusIsSpace: true)
      items.append(Item(name: name, value: parts.count == 1 ? "" : try PercentEncoding.decode(parts[1], plusIsSpace: true)))
    }
    self.items = items
  }

  package var isEmpty: Bool { items.isEmpty }

  /// The distinct names, in order.
  package var names: [String] {
    var seen = Set<String>()
    return items.map(\.name).filter { seen.insert($0).inserted }
  }

  package func first(_ name: String) -> String? { items.first { $0.name == name }?.value }

  package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }
}
