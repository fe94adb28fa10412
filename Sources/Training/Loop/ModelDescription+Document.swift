import JSON
import Models
import TensorEngine

extension ModelDescription {
  /// The description as the shortest document that means it: as in a weight file's metadata, keys sorted, without the fields that have
  /// their defaults. A field that is added later does not change it.
  func document() throws(ModelError) -> JSONValue {
    var document = JSONObject()
    switch try completed().architecture {
    case .layers(let layers): document["layers"] = .array(layers.map(\.document))
    case .nodes(let nodes): document["nodes"] = .array(nodes.map(\.document))
    case .preset(let name, let values):
      document["architecture"] = .string(name)
      for parameter in try Preset.named(name).parameters.sorted(by: { $0.name < $1.name }) {
        guard let value = values[parameter.name]?.canonical, value != parameter.default?.canonical else { continue }
        document[parameter.name] = value
      }
    }
    if !preprocessing.isEmpty { document["preprocessing"] = .array(preprocessing.map(\.document)) }
    if let normalization {
      document["normalization"] = .array([normalization.mean, normalization.std].map { .array($0.map { .number(Double($0)) }) })
    }
    return .object(document)
  }
}

extension Layer {
  fileprivate var document: JSONValue {
    var document: JSONObject = ["type": .string(type.rawValue)]
    let values = values(\.document)
    for field in type.fields.sorted(by: { $0.name < $1.name }) {
      var fallback = field.default
      if case .sameAs(let other) = field.presence { fallback = values[other] }
      if let value = values[field.name], value != fallback { document[field.name] = value }
    }
    return .object(document)
  }
}

extension JSONValue {
  /// A whole number is the same whether it was written with a fraction or not.
  fileprivate var canonical: JSONValue {
    guard case .number(let value) = self else { return self }
    return Int64(exactly: value).map { .int($0) } ?? self
  }
}
