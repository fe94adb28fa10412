import JSON
import HTTP
import Robustness

/// A part of a list, as the contract writes it: a cursor leads to the next part.
struct ListPage {
  /// Each is an object with an `id`.
  let items: [JSONValue]
  let hasMore: Bool

  static let limits = 1...200
  static let defaultLimit = 50

  init(items: [JSONValue], hasMore: Bool) {
    self.items = items
    self.hasMore = hasMore
  }

  /// The part of a whole list that follows the item `after`.
  /// - Throws: 404 when no item has that id.
  init(of whole: [JSONValue], after: String?, limit: Int) throws {
    var rest = whole[...]
    if let after {
      guard let position = whole.firstIndex(where: { $0["id"] == .string(after) }) else {
        throw HTTPError(.notFound, "after=\(after.prefix(100)) names nothing in this list (any more).")
      }
      rest = whole[(position + 1)...]
    }
    self.init(items: Array(rest.prefix(limit)), hasMore: rest.count > limit)
  }

  var json: JSONValue {
    [
      "object": "list", "data": .array(items), "has_more": .bool(hasMore), "first_id": items.first?["id"] ?? .null,
      "last_id": items.last?["id"] ?? .null,
    ]
  }
}

extension HTTPError {
  static func unknownCursor(_ id: String) -> HTTPError {
    HTTPError(
      .badQuery, "after=\(id.prefix(100)) names nothing in this list; give the last_id of the page before.",
      members: ["parameter": "after"])
  }
}
