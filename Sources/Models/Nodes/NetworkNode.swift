import JSON

/// An entry of a network's list of nodes: an operation by its type, with a name of its own and the nodes that it reads.
package struct NetworkNode: Hashable, Sendable {
  /// The type, the name, the inputs and every field of the type.
  let values: FieldValues

  /// - Parameter values: of such an object, after it was read.
  package init(_ values: FieldValues) { self.values = values }

  /// - Parameter fields: of the type; those left out take their defaults.
  init(_ type: String, name: String, inputs: [String], _ fields: JSONObject = [:]) {
    var object: JSONObject = ["type": .string(type), "name": .string(name), "inputs": .array(inputs.map(JSONValue.string))]
    let given = NodeDefinition.named(type)?.fields ?? []
    for field in given {
      if case .sameAs(let other) = field.presence {
        object[field.name] = fields[field.name] ?? object[other]
      } else {
        object[field.name] = fields[field.name] ?? field.default ?? .null
      }
    }
    values = FieldValues(object)
  }

  package var type: String { values.text("type") }
  package var name: String { values.text("name") }
  /// `nil`: the node before.
  package var inputs: [String]? { values.has("inputs") ? values.list("inputs") : nil }
  var definition: NodeDefinition? { NodeDefinition.named(type) }

  /// The most of one network.
  package static let most = 4_000

  /// The form of a node in a document: `{"type": "add", "name": "sum", "inputs": ["a", "b"]}`.
  package static var object: ObjectType {
    ObjectType(
      "Node", "A node of a network as a graph, by its type.",
      variants: Variants(
        "type",
        NodeDefinition.all.map {
          Variants.Variant($0.name, "\($0.summary.prefix(1).uppercased() + $0.summary.dropFirst()).", $0.fields)
        },
        help: "Which operation."),
      fields: [
        Field(
          "name", .text(1...300), .required, help: "Its name, which other nodes read it by; its weights are NAME.weight and NAME.bias."),
        Field(
          "inputs", .list(.text(1...300), count: 0...1_000), help: "The names of the nodes that it reads; by default the one before it."),
      ])
  }

  /// The shortest object that means it: without the fields that have their defaults.
  package var json: JSONValue { shortest(order: \.self) }

  /// The same with its keys sorted.
  package var document: JSONValue { shortest { $0.sorted() } }

  private func shortest(order: ([String]) -> [String]) -> JSONValue {
    let fields = definition?.fields ?? []
    var object = JSONObject()
    for key in order(values.object.keys) {
      guard let value = values.object[key], value != .null else { continue }
      var fallback = fields.named(key)?.default
      if case .sameAs(let other)? = fields.named(key)?.presence { fallback = values.object[other] }
      if value != fallback { object[key] = value }
    }
    return .object(object)
  }

  /// With another value for a field of its type.
  func setting(_ field: String, to value: JSONValue) -> NetworkNode { NetworkNode(values.setting("/" + field, to: value)) }
}
