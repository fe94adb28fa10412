import JSON
import TensorEngine

/// One thing that is done to an image before the network sees it. It belongs to the network: in training, evaluation and export.
package struct Preprocessing: Hashable, Sendable {
  /// The most of a network.
  package static let most = 16
  /// Its type and the values of its fields.
  private let values: FieldValues

  /// - Parameter values: of such an object, after it was read.
  package init(_ values: FieldValues) { self.values = values }

  /// Those of a list in a document.
  ///
  /// - Throws: the first thing that is wrong, by its place below the list: `/0/bits`.
  package static func list(_ document: JSONValue) throws(ModelError) -> [Preprocessing] {
    let reader = FieldReader()
    let whole = ObjectType("", "", fields: [field])
    let values = reader.object(.object([field.name: document]), as: whole)
    if let fault = reader.log.faults.first {
      throw ModelError(pointer: String(fault.pointer.dropFirst(field.name.count + 1)), fault.detail)
    }
    return values.sections(field.name).map(Preprocessing.init)
  }

  /// The list as a field of a model.
  package static let field = Field(
    "preprocessing", .list(.object(object), count: 0...most), default: [],
    help: "What is done to an image before all else, as a defence; attacks see through it (BPDA)."
  )

  private static var object: ObjectType {
    ObjectType(
      "Preprocessing", "What is done to an image before the network sees it.",
      variants: Variants(
        "type", PreprocessingDefinition.all.map { Variants.Variant($0.name, $0.summary, $0.fields) }, help: "What is done."))
  }

  /// With every value that it has.
  package var json: JSONValue {
    .object(values.object.members.reduce(into: JSONObject()) { if $1.value != .null { $0[$1.key] = $1.value } })
  }

  /// The shortest document that means it: without the fields that have their defaults.
  package var document: JSONValue {
    let fields = definition?.fields ?? []
    return .object(
      values.object.members.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { document, member in
        let value = member.value
        if value != .null, value != fields.named(member.key)?.default { document[member.key] = value }
      })
  }

  /// - Throws: `GraphError` for a type that is not in the table, which no reader lets through.
  func operation() throws -> any Operation {
    guard let definition else { throw GraphError("there is no preprocessing \"\(type)\"") }
    return definition.operation(values)
  }

  var type: String { values.text("type") }
  private var definition: PreprocessingDefinition? { PreprocessingDefinition.all.first { $0.name == type } }
}
