import JSON

/// An architecture as an object of a document: `{"layers": […]}`, or `{"architecture": NAME}` with the preset's parameters beside it.
extension ModelDescription.Architecture {
  /// - Parameter fields: what else the object may hold.
  package static func object(_ name: String, _ summary: String, and fields: [Field] = []) -> ObjectType {
    ObjectType(
      name, summary,
      variants: Variants(
        "architecture", Preset.all.map { Variants.Variant($0.name, "\($0.description) (\($0.source)).", $0.parameters) },
        otherwise: "give layers", help: "A network by name."),
      alternatives: Alternatives([["architecture"], ["layers"]], conflict: "give an architecture by name, or layers, not both"),
      fields: [
        Field("layers", .list(.object(Layer.object), count: 1...Layer.most), .alternative, help: "A network of one's own, in order.")
      ] + fields)
  }

  /// - Parameter values: of such an object, after it was read.
  package init(_ values: FieldValues) {
    guard let name = values.optionalText("architecture") else {
      self = .layers(values.sections("layers").map(Layer.init))
      return
    }
    let parameters = Preset.all.first { $0.name == name }?.parameters ?? []
    self = .preset(name, parameters: parameters.reduce(into: [:]) { $0[$1.name] = values.object[$1.name] })
  }

  /// With what is known of its parameters.
  var json: JSONObject {
    switch self {
    case .layers(let layers): return ["layers": .array(layers.map(\.json))]
    case .preset(let name, let parameters):
      var object: JSONObject = ["architecture": .string(name)]
      for (name, value) in parameters { object[name] = value }
      return object
    }
  }
}
