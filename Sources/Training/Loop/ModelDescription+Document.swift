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
    case .preset(let name, let values):
      document["architecture"] = .string(name)
      for parameter in try Preset.named(name).parameters.sorted(by: { $0.name < $1.name }) {
        guard let value = values[parameter.name]?.json, value != parameter.default.json else { continue }
        document[parameter.name] = value
      }
    }
    if let normalization {
      document["normalization"] = .array([normalization.mean, normalization.std].map { .array($0.map { .number(Double($0)) }) })
    }
    return .object(document)
  }
}

extension Layer {
  fileprivate var document: JSONValue {
    var document: JSONObject = ["type": .string(type.rawValue)]
    let values = values
    for field in type.fields.sorted(by: { $0.name < $1.name }) {
      let fallback: LayerValue? =
        switch field.default {
        case .required: nil
        case .value(let value): value
        case .field(let other): values[other]
        }
      guard let value = values[field.name]?.json, value != fallback?.json else { continue }
      document[field.name] = value
    }
    return .object(document)
  }
}

extension LayerValue {
  fileprivate var json: JSONValue {
    switch self {
    case .integer(let value): .int(Int64(value))
    case .extent(let value): value.both.map { .int(Int64($0)) } ?? [.int(Int64(value.height)), .int(Int64(value.width))]
    case .number(let value): .number(value)
    case .boolean(let value): .bool(value)
    case .layers(let layers): .array(layers.map(\.document))
    }
  }
}

extension PresetValue {
  fileprivate var json: JSONValue {
    switch self {
    case .integer(let value): .int(Int64(value))
    case .integers(let values): .array(values.map { .int(Int64($0)) })
    // A whole number is the same whether it was written with a fraction or not.
    case .number(let value): Int64(exactly: value).map { .int($0) } ?? .number(value)
    case .choice(let word): .string(word)
    }
  }
}
