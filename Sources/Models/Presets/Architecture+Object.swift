import JSON

/// An architecture as an object of a document: `{"layers": […]}`, `{"nodes": […]}`, or `{"architecture": NAME}` with the preset's parameters beside it.
extension ModelDescription.Architecture {
  /// - Parameter fields: what else the object may hold.
  package static func object(_ name: String, _ summary: String, and fields: [Field] = []) -> ObjectType {
    ObjectType(
      name, summary,
      variants: Variants(
        "architecture", Preset.all.map { Variants.Variant($0.name, "\($0.description) (\($0.source)).", $0.parameters) },
        otherwise: "give layers", help: "A network by name."),
      alternatives: Alternatives(
        [["architecture"], ["layers"], ["nodes"]], conflict: "give an architecture by name, or layers, or nodes, and nothing beside it"),
      fields: [
        Field("layers", .list(.object(Layer.object), count: 1...Layer.most), .alternative, help: "A network of one's own, in order."),
        Field(
          "nodes", .list(.object(NetworkNode.object), count: 1...NetworkNode.most), .alternative,
          help: "A network of one's own as a graph: each node names those that it reads. An uploaded ONNX file becomes such a list."),
      ] + fields)
  }

  /// - Parameter values: of such an object, after it was read.
  package init(_ values: FieldValues) {
    guard let name = values.optionalText("architecture") else {
      if values.has("nodes") {
        self = .nodes(values.sections("nodes").map(NetworkNode.init))
        return
      }
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
    case .nodes(let nodes): return ["nodes": .array(nodes.map(\.json))]
    case .preset(let name, let parameters):
      var object: JSONObject = ["architecture": .string(name)]
      for (name, value) in parameters { object[name] = value }
      return object
    }
  }
}
