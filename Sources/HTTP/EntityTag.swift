/// An entity tag (RFC 9110 §8.8.3).
package struct EntityTag: Sendable, Hashable, CustomStringConvertible {
  /// Without the quotes.
  package let value: String
  package let isWeak: Bool

  /// `value` must consist of visible characters other than the double quote, as digests and counters do.
  package init(strong value: String) {
    self.value = value
    isWeak = false
  }

  package init(weak value: String) {
    self.value = value
    isWeak = true
  }

  /// Parses one tag as it stands in a field: `"…"` or `W/"…"`.
  package init?(_ text: String) {
    guard case .tags(let tags)? = List(text), tags.count == 1 else { return nil }
    self = tags[0]
  }

  package var description: String { isWeak ? "W/\"\(value)\"" : "\"\(value)\"" }

  /// §8.8.3.2
  package func matchesStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && value == other.value }
  package func matchesWeakly(_ other: EntityTag) -> Bool { value == other.value }

  /// The value of `If-Match` and `If-None-Match`.
  package enum List: Sendable, Equatable {
    case any
    case tags([EntityTag])

    /// nil when the field is malformed.
    package init?(_ text: String) {
      if ASCII.trimmed(text) == "*" {
        self = .any
        return
      }
      var tags: [EntityTag] = []
      var rest = text.utf8[...]
      let separators = " \t,".utf8
      while true {
        // A comma must stand between two tags.
        let gap = rest.prefix { separators.contains($0) }
        rest = rest.dropFirst(gap.count)
        if rest.isEmpty { break }
        guard tags.isEmpty || gap.contains(UInt8(ascii: ",")) else { return nil }
        let weak = rest.starts(with: "W/".utf8)
        if weak { rest = rest.dropFirst(2) }
        guard rest.first == UInt8(ascii: "\""), let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        let value = rest[rest.index(after: rest.startIndex)..<end]
        guard value.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        let name = String(decoding: value, as: UTF8.self)
        tags.append(weak ? EntityTag(weak: name) : EntityTag(strong: name))
        rest = rest[rest.index(after: end)...]
      }
      guard !tags.isEmpty else { return nil }
      self = .tags(tags)
    }
  }
}
