import Foundation
import JSON
import TensorEngine

/// The description of a network in a weight file, from which the network can be rebuilt.
///
/// In a safetensors file it is `__metadata__`: `temper.format` (1), `temper.architecture` (JSON: `{"layers": […]}`, or `{"architecture":
/// NAME}` and its parameters), `temper.layers` (JSON: the same network as a layer list, if it can be written as one, for readers that do
/// not know the presets), `temper.input` (JSON: the shape of one image), `temper.classes`, and where there is one `temper.preprocessing`
/// (JSON: a list of `{"type": …}`), `temper.normalization` (JSON: `mean`, `std`) and `temper.class_names` (JSON). `format` is `pt`: shapes and order are PyTorch's.
package struct ModelCard: Hashable, Sendable {
  package let model: ModelDescription
  /// The shape of one image, `[height, width, channels]` or `[features]`.
  package let input: Shape
  package let classes: Int
  package let classNames: [String]?

  package init(model: ModelDescription, input: Shape, classes: Int, classNames: [String]? = nil) {
    self.model = model
    self.input = input
    self.classes = classes
    self.classNames = classNames
  }

  package func graph() throws(ModelError) -> Graph { try model.graph(input: input, classes: classes) }

  /// The file's metadata.
  ///
  /// - Throws: when the model names an unknown preset or parameter.
  package func metadata() throws(ModelError) -> [String: String] {
    let model = try model.completed()
    var metadata = [
      "format": "pt", "temper.format": Self.version, "temper.architecture": Self.json(JSONValue.object(model.architecture.json)),
      "temper.input": Self.json(input.dimensions), "temper.classes": String(classes),
    ]
    if let layers = try model.layers(classes: classes) { metadata["temper.layers"] = Self.json(layers.map(\.json)) }
    if !model.preprocessing.isEmpty { metadata["temper.preprocessing"] = Self.json(model.preprocessing.map(\.json)) }
    if let normalization = model.normalization { metadata["temper.normalization"] = Self.json(normalization) }
    if let classNames { metadata["temper.class_names"] = Self.json(classNames) }
    return metadata
  }

  /// - Returns: `nil` when the metadata do not describe a network, as in files of other programs.
  /// - Throws: a sentence about the first wrong entry.
  package init?(metadata: [String: String]) throws(ModelCardError) {
    guard let version = metadata["temper.format"] else { return nil }
    guard version == Self.version else { throw ModelCardError("temper.format is \(version): this version reads \(Self.version)") }
    let architecture = try Self.architecture(Self.required("temper.architecture", metadata))
    let input: [Int] = try Self.required("temper.input", metadata)
    let classes: Int = try Self.required("temper.classes", metadata)
    guard (1...65_536).contains(classes) else { throw ModelCardError("temper.classes is \(classes), and must be from 1 to 65536") }
    let names: [String]? = try Self.value("temper.class_names", metadata)
    guard names.map({ $0.count == classes }) ?? true else {
      throw ModelCardError("temper.class_names has \(names?.count ?? 0) names for \(classes) classes")
    }
    let normalization: Normalization? = try Self.value("temper.normalization", metadata)
    self.init(
      model: ModelDescription(architecture, preprocessing: try Self.preprocessing(metadata), normalization: normalization),
      input: Shape(input), classes: classes, classNames: names)
  }

  /// What a file's metadata say is done to its network's images; empty where they say nothing.
  package static func preprocessing(_ metadata: [String: String]) throws(ModelCardError) -> [Preprocessing] {
    guard let list: JSONValue = try value("temper.preprocessing", metadata) else { return [] }
    do {
      return try Preprocessing.list(list)
    } catch {
      throw ModelCardError("temper.preprocessing\(error.pointer): \(error.description)")
    }
  }

  /// The network as members of a model's document.
  package func network(withNormalization: Bool) -> JSONObject {
    var members = model.architecture.json
    if withNormalization, let normalization = model.normalization {
      members["normalization"] = [
        "mean": .array(normalization.mean.map { .number(Double($0)) }), "std": .array(normalization.std.map { .number(Double($0)) }),
      ]
    }
    return members
  }

  private static let version = "1"

  private static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      preconditionFailure("a model description holds finite numbers and strings: \(error)")
    }
  }

  private static func architecture(_ document: JSONValue) throws(ModelCardError) -> ModelDescription.Architecture {
    let reader = FieldReader()
    let values = reader.object(document, as: ModelDescription.Architecture.object("Architecture", "A network."))
    if let fault = reader.log.faults.first { throw ModelCardError("temper.architecture\(fault.pointer): \(fault.detail)") }
    return ModelDescription.Architecture(values)
  }

  private static func required<Value: Decodable>(_ key: String, _ metadata: [String: String]) throws(ModelCardError) -> Value {
    guard let value: Value = try value(key, metadata) else { throw ModelCardError("the metadata lack \(key)") }
    return value
  }

  private static func value<Value: Decodable>(_ key: String, _ metadata: [String: String]) throws(ModelCardError) -> Value? {
    guard let json = metadata[key] else { return nil }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(json.utf8))
    } catch {
      throw ModelCardError("\(key) cannot be read: \(json.prefix(100))")
    }
  }
}

/// Why a file's metadata do not describe a network.
package struct ModelCardError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
