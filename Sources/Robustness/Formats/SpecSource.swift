import JSON

/// The file that a job's spec stands in, and where in it.
package struct SpecSource: Sendable {
  /// Relative to the root of the repository, percent-encoded, never empty.
  package let uri: String
  package let document: JSONValue
  private let places: JSONPlaces

  /// - Throws: `JSONSyntaxError` when `text` is not JSON.
  package init(uri: String, text: some Sequence<UInt8>) throws {
    let bytes = Array(text)
    self.uri = uri.isEmpty ? Self.unknown : uri
    document = try JSONValue(parsing: bytes)
    places = try JSONPlaces(parsing: bytes)
  }

  /// What a server knows of it, which has no file: the completed spec, indented.
  package init(completed spec: JSONValue) throws { try self.init(uri: Self.unknown, text: spec.serialised(pretty: true).utf8) }

  private static let unknown = "spec.json"

  package func place(of pointer: String) -> JSONPlaces.Place { places.place(of: pointer) }

  /// The pointer of a gate, which stands at `index` in the spec that ran. The file may have changed since: the gate of the same identity
  /// is looked for, and where there is none it is the list of gates that a reader should look at.
  func pointer(of identity: GateIdentity, at index: Int) -> String {
    guard case .array(let gates)? = document["gates"] else { return "/gates" }
    let same = gates.indices.filter { GateIdentity(gates[$0]) == identity }
    guard let found = same.contains(index) ? index : same.first else { return "/gates" }
    return "/gates/\(found)"
  }
}

/// What a gate judges, without its bound: it stays the same gate when the bound moves.
struct GateIdentity: Hashable {
  private let members: JSONObject

  init(_ gate: Gate) throws { self.init(try JSONValue(encoding: gate)) }

  /// - Parameter document: a gate as in a spec.
  init(_ document: JSONValue) {
    var members = JSONObject()
    guard case .object(let object) = document else {
      self.members = members
      return
    }
    let bounds = ["min", "max"]
    for (name, value) in object.members.sorted(by: { $0.key < $1.key }) where value != .null && !bounds.contains(name) {
      members[name] = value
    }
    self.members = members
  }

  /// The same text for the same gate, whatever the order of its members.
  var text: String { JSONValue.object(members).serialised() }
}
