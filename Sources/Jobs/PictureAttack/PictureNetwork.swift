import Datasets
import Files
import Foundation
import JSON
import Models
import TensorEngine

/// A network of this machine, to be shown single pictures.
package struct PictureNetwork: Sendable {
  package let graph: Graph
  let weights: Weights
  /// By output; the outputs' numbers where nobody has said more.
  package let classNames: [String]

  /// Why a network cannot be used, as a phrase.
  package struct Fault: Error, Hashable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
  }

  /// - Parameters:
  ///   - url: an ONNX file, which ends in `.onnx`, or a safetensors file.
  ///   - architecture: of a safetensors file that does not describe its network: a name, or an object as a spec's `model`.
  ///   - size: of the images, where the file does not say it; nil: the picture's.
  ///   - names: of the classes; nil: those of the file.
  package init(
    _ url: URL, architecture: String?, size: DatasetOptions.Size?, names: [String]?, picture: SinglePicture
  ) throws {
    if url.pathExtension == "onnx" {
      let network = try ONNXNetwork(Data(contentsOf: url))
      try self.init(network.card, network.weights, names)
    } else {
      let file = try Safetensors(contentsOf: url)
      if architecture == nil, let card = try ModelCard(metadata: file.metadata) {
        try self.init(card, file.weights, names)
      } else {
        guard let architecture else {
          throw Fault("the file does not say of which network it is; give --architecture, such as mobilenet_v2")
        }
        let shape: Shape = [size?.height ?? picture.height, size?.width ?? picture.width, picture.channels]
        let model = try Self.model(architecture)
        let card = ModelCard(model: model, input: shape, classes: try Self.classes(model, shape, file.weights.outline))
        try self.init(card, file.weights, names)
      }
    }
    if let size, graph.inputShape.dimensions.prefix(2) != [size.height, size.width] {
      throw Fault("the network takes images \(graph.inputShape), not \(size.height) × \(size.width)")
    }
  }

  private init(_ card: ModelCard, _ weights: Weights, _ names: [String]?) throws {
    graph = try card.graph()
    self.weights = weights
    classNames = names ?? card.classNames ?? (0..<card.classes).map(String.init)
    guard classNames.count == card.classes else {
      throw Fault(
        "there are \(classNames.count) names for the \(card.classes) outputs of the network; one is needed for each, on a line of its own")
    }
  }

  private static func model(_ text: String) throws -> ModelDescription {
    let document: JSONValue
    do {
      document = text.hasPrefix("{") ? try JSONValue(parsing: Array(text.utf8)) : ["architecture": .string(text)]
    } catch {
      throw Fault("--architecture is no JSON: \(error)")
    }
    let reader = FieldReader()
    let values = reader.object(document, as: ModelSection.object)
    if let fault = reader.log.faults.first { throw Fault("--architecture\(fault.pointer): \(fault.detail)") }
    return ModelSection(values).description
  }

  /// The outputs of the network that the tensors are of.
  private static func classes(_ model: ModelDescription, _ shape: Shape, _ outline: [TensorOutline]) throws -> Int {
    // Any count will do to find the last layer.
    let usual = 1_000
    let graph = try model.graph(input: shape, classes: usual)
    return LastLayer(graph)?.otherClasses(of: outline) ?? usual
  }
}
