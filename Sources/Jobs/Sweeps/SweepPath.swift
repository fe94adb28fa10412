import JSON

/// A field of a spec as a sweep names it: names and places in lists, between dots, such as `evaluation.attacks.0.steps`.
package struct SweepPath: Hashable, Sendable {
  package let text: String
  let names: [String]

  package init(_ text: String) {
    self.text = text
    names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  }

  /// Whether it names a field at all.
  package var isWhole: Bool { names.allSatisfy { !$0.isEmpty } }

  /// The RFC 6901 pointer into the spec.
  var pointer: String { names.reduce("", FieldReader.pointer) }

  /// Whether the field of one of the two is that of the other, or within it.
  func overlaps(_ other: SweepPath) -> Bool { names.starts(with: other.names) || other.names.starts(with: names) }

  /// Why a value cannot be set, as a phrase.
  package struct Refusal: Error {
    package let reason: String
  }

  /// The spec with a value at this place. Objects on the way are made where nothing stands; an entry of a list must be there.
  package func setting(_ value: JSONValue, in spec: JSONValue) throws(Refusal) -> JSONValue {
    try Self.setting(names[...], [], value, in: spec)
  }

  private static func setting(
    _ rest: ArraySlice<String>, _ done: [String], _ value: JSONValue, in spec: JSONValue
  ) throws(Refusal) -> JSONValue {
    guard let name = rest.first else { return value }
    let (below, path) = (rest.dropFirst(), done + [name])
    switch spec {
    case .null: return .object([name: try setting(below, path, value, in: .null)])
    case .object(var object):
      object[name] = try setting(below, path, value, in: object[name] ?? .null)
      return .object(object)
    case .array(var elements):
      guard let place = Int(name), elements.indices.contains(place) else {
        let known = elements.isEmpty ? "is empty" : "has the entries 0 to \(elements.count - 1)"
        throw Refusal(reason: "\(name.prefix(60)) is no entry of \(done.joined(separator: ".")), a list that \(known) in spec")
      }
      elements[place] = try setting(below, path, value, in: elements[place])
      return .array(elements)
    default: throw Refusal(reason: "\(done.joined(separator: ".")) is \(spec.kind) in spec and has no field \(name.prefix(60))")
    }
  }
}
