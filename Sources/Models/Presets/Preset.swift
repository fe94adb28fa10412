import JSON
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
  /// The numbers and words that it leaves open.
  package let parameters: [Field]
  package let network: Network

  package init(name: String, description: String, source: String, parameters: [Field], network: Network) {
    self.name = name
    self.description = description
    self.source = source
    self.parameters = parameters
    self.network = network
  }

  package enum Network: Sendable {
    /// A layer list, for so many classes.
    case layers(@Sendable (FieldValues, _ classes: Int) -> [Layer])
    /// Operations added after the graph's last node; the names of the weights are the function's own.
    case graph(@Sendable (inout Graph, FieldValues, _ classes: Int) throws -> Void)
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
  func arguments(_ given: [String: JSONValue]) throws(ModelError) -> FieldValues {
    let reader = FieldReader()
    let object = given.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = $1.value }
    let values = reader.object(.object(object), as: ObjectType(name, description, fields: parameters))
    if let fault = reader.log.faults.first {
      throw ModelError(pointer: fault.pointer, "\(fault.pointer.dropFirst()) of \(name): \(fault.detail)")
    }
    return values
  }
}
