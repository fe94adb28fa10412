import TensorEngine

/// A row of the table of architectures.
///
/// To add one is to add a file with its row, and the row to `all`.
package struct Preset: Sendable {
  package let name: String
  /// What it is, in a phrase.
  package let description: String
  /// Where it comes from: a paper or the code it follows.
  package let source: String
  package let parameters: [PresetParameter]
  package let network: Network

  package init(name: String, description: String, source: String, parameters: [PresetParameter], network: Network) {
    self.name = name
    self.description = description
    self.source = source
    self.parameters = parameters
    self.network = network
  }

  package enum Network: Sendable {
    /// A layer list, for so many classes.
    case layers(@Sendable (PresetArguments, _ classes: Int) -> [Layer])
    /// Operations added after the graph's last node; the names of the weights are the function's own.
    case graph(@Sendable (inout Graph, PresetArguments, _ classes: Int) throws -> Void)
  }

  /// Every architecture that can be asked for by name, from small to large.
  package static let all: [Preset] = [
    linear, mlp, lenet, madryCNN, preActResNet18, resNet18, wideResNet, mobileNetV2, efficientNetLite0, visionTransformer,
  ]

  /// - Throws: a sentence that lists the known names.
  package static func named(_ name: String) throws(ModelError) -> Preset {
    guard let preset = all.first(where: { $0.name == name }) else {
      let known = all.map(\.name).joined(separator: ", ")
      throw ModelError(pointer: "/architecture", "there is no architecture \"\(name)\": the known ones are \(known); or give layers")
    }
    return preset
  }

  /// The value of each parameter: as given, else its default.
  ///
  /// - Throws: the first parameter that is unknown or cannot have its value.
  func arguments(_ given: [String: PresetValue]) throws(ModelError) -> PresetArguments {
    for parameter in given.keys.sorted() where !parameters.contains(where: { $0.name == parameter }) {
      let known = parameters.isEmpty ? "it has none" : "it has \(parameters.map(\.name).joined(separator: ", "))"
      throw ModelError(pointer: "/" + parameter, "\(name) has no parameter \(parameter): \(known)")
    }
    var values: [String: PresetValue] = [:]
    for parameter in parameters {
      let value = given[parameter.name] ?? parameter.default
      guard parameter.kind.takes(value) else {
        throw ModelError(pointer: "/" + parameter.name, "\(parameter.name) of \(name) must be \(parameter.kind.requirement)")
      }
      values[parameter.name] = value
    }
    return PresetArguments(values: values)
  }
}

/// A number that a preset leaves open.
package struct PresetParameter: Sendable {
  package enum Kind: Hashable, Sendable {
    case integer(ClosedRange<Int>)
    /// A list of so many whole numbers, each within `each`.
    case integers(count: ClosedRange<Int>, each: ClosedRange<Int>)
    case number(ClosedRange<Double>)
    /// One of these words.
    case choice([String])
  }

  package let name: String
  package let description: String
  package let kind: Kind
  package let `default`: PresetValue
}

extension PresetParameter.Kind {
  /// What a value must be, to go after "must be".
  package var requirement: String {
    switch self {
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .integers(let count, let each):
      "a list of \(count.lowerBound) to \(count.upperBound) whole numbers from \(each.lowerBound) to \(each.upperBound)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .choice(let words): "one of \(words.joined(separator: ", "))"
    }
  }

  func takes(_ value: PresetValue) -> Bool {
    switch (self, value) {
    case (.integer(let range), .integer(let value)): range.contains(value)
    case (.integers(let count, let each), .integers(let values)): count.contains(values.count) && values.allSatisfy(each.contains)
    case (.number(let range), .number(let value)): range.contains(value)
    case (.number(let range), .integer(let value)): range.contains(Double(value))
    case (.choice(let words), .choice(let word)): words.contains(word)
    default: false
    }
  }
}

/// The value of a preset's parameter; in a document, a number, a list of numbers or a word.
package enum PresetValue: Hashable, Sendable {
  case integer(Int)
  case integers([Int])
  case number(Double)
  case choice(String)
}

extension PresetValue: Codable {
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let value): try container.encode(value)
    case .integers(let values): try container.encode(values)
    case .number(let value): try container.encode(value)
    case .choice(let word): try container.encode(word)
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let word = try? container.decode(String.self) {
      self = .choice(word)
    } else {
      self = .integers(try container.decode([Int].self))
    }
  }
}

/// A preset's parameters, all of them, within their bounds.
package struct PresetArguments: Sendable {
  let values: [String: PresetValue]

  /// The value of a parameter that the preset declares as a number.
  func integer(_ name: String) -> Int {
    guard case .integer(let value)? = values[name] else { preconditionFailure("no parameter \(name) that is a number") }
    return value
  }

  /// The value of a parameter that the preset declares as a number with a fraction.
  func number(_ name: String) -> Double {
    switch values[name] {
    case .number(let value)?: return value
    case .integer(let value)?: return Double(value)
    default: preconditionFailure("no parameter \(name) that is a number")
    }
  }

  /// The value of a parameter that the preset declares as a word.
  func choice(_ name: String) -> String {
    guard case .choice(let word)? = values[name] else { preconditionFailure("no parameter \(name) that is a word") }
    return word
  }

  /// The value of a parameter that the preset declares as a list.
  func integers(_ name: String) -> [Int] {
    guard case .integers(let values)? = values[name] else { preconditionFailure("no parameter \(name) that is a list") }
    return values
  }
}
