/// The members of an object, in the order in which they were written. Equal ones have equal members, in whatever order.
package struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  package private(set) var members: [(key: String, value: JSONValue)] = []
  /// The places of the members; nil for a few, among which comparing is quicker than hashing.
  private var places: [String: Int]?

  private static let few = 16

  package init() {}

  /// Of keys given twice, the last value counts.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    members.reserveCapacity(elements.count)
    for (key, value) in elements { self[key] = value }
  }

  package var keys: [String] { members.map(\.key) }

  /// A new key goes to the end; `nil` removes.
  package subscript(_ key: String) -> JSONValue? {
    get { place(of: key).map { members[$0].value } }
    set {
      switch (place(of: key), newValue) {
      case (let place?, let value?): members[place].value = value
      case (nil, let value?): append(key, value)
      case (let place?, nil): remove(at: place)
      case (nil, nil): break
      }
    }
  }

  private func place(of key: String) -> Int? {
    if let places { return places[key] }
    return members.firstIndex { $0.key == key }
  }

  private mutating func append(_ key: String, _ value: JSONValue) {
    members.append((key, value))
    if places != nil { places?[key] = members.count - 1 } else if members.count > Self.few { index() }
  }

  private mutating func remove(at place: Int) {
    members.remove(at: place)
    if places != nil { index() }
  }

  private mutating func index() {
    places = [:]
    for (place, member) in members.enumerated() { places?[member.key] = place }
  }

  package static func == (one: JSONObject, other: JSONObject) -> Bool {
    one.members.count == other.members.count && one.members.allSatisfy { other[$0.key] == $0.value }
  }

  package func hash(into hasher: inout Hasher) {
    // Whatever the order: the sum of what each member hashes to.
    var sum = 0
    for (key, value) in members {
      var each = Hasher()
      each.combine(key)
      each.combine(value)
      sum &+= each.finalize()
    }
    hasher.combine(sum)
  }
}
