import TensorEngine

/// The form of a layer in a document: `{"type": "conv", "filters": 16, "kernel": 3, …}`, every field written out, and an unknown
/// field or type refused.
extension Layer: Codable {
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: DocumentKey.self)
    try container.encode(type.rawValue, forKey: DocumentKey("type"))
    for (name, value) in values {
      let key = DocumentKey(name)
      switch value {
      case .integer(let value): try container.encode(value, forKey: key)
      case .extent(let value):
        if let both = value.both {
          try container.encode(both, forKey: key)
        } else {
          try container.encode([value.height, value.width], forKey: key)
        }
      case .number(let value): try container.encode(value, forKey: key)
      case .boolean(let value): try container.encode(value, forKey: key)
      case .layers(let value): try container.encode(value, forKey: key)
      }
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: DocumentKey.self)
    let typeKey = DocumentKey("type")
    let name = try container.decode(String.self, forKey: typeKey)
    guard let type = LayerType(rawValue: name) else {
      let known = LayerType.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: typeKey, in: container, debugDescription: "there is no layer type \(name): the known ones are \(known)")
    }
    var values: [String: LayerValue] = [:]
    for key in container.allKeys where key != typeKey {
      guard let field = type.fields.first(where: { $0.name == key.stringValue }) else {
        throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "\(name) has no field \(key.stringValue)")
      }
      values[field.name] =
        switch field.kind {
        case .integer: .integer(try container.decode(Int.self, forKey: key))
        case .extent: .extent(try Self.extent(in: container, at: key))
        case .number: .number(try container.decode(Double.self, forKey: key))
        case .boolean: .boolean(try container.decode(Bool.self, forKey: key))
        case .layers: .layers(try container.decode([Layer].self, forKey: key))
        }
    }
    do {
      self = try Layer(type, values)
    } catch {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: error.description))
    }
  }
}

extension Layer {
  /// A number, or one for height and one for width.
  private static func extent(in container: KeyedDecodingContainer<DocumentKey>, at key: DocumentKey) throws -> Extent {
    if let both = try? container.decode(Int.self, forKey: key) { return Extent(both) }
    let numbers = try container.decode([Int].self, forKey: key)
    guard numbers.count == 2 else {
      throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "\(key.stringValue) must be [height, width]")
    }
    return Extent(height: numbers[0], width: numbers[1])
  }
}

/// A key that only the document knows.
struct DocumentKey: CodingKey, Hashable {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
