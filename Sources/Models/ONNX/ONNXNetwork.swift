import Foundation
import JSON
import TensorEngine

/// A network that came as an ONNX file: as a list of nodes with their weights.
package struct ONNXNetwork: Sendable {
  package let card: ModelCard
  package let weights: Weights
  /// What was done that whoever uploads the file should know.
  package let notices: [ONNXNotice]

  /// Reads a file and translates it.
  ///
  /// First come the constants, which are folded; then each operator becomes nodes of this project, with images channels-last; then the nodes
  /// of well-known patterns become one (SiLU, GELU, LayerNorm, the bias of a linear layer).
  ///
  /// - Throws: everything that stands in the way: each unsupported operator with the name of its node.
  package init(_ data: Data) throws(ONNXError) {
    var translation = try ONNXTranslation(ONNXFile(data))
    try translation.translate()
    let (nodes, tensors) = try translation.network()
    let classes = translation.classes
    let card = ModelCard(model: ModelDescription(.nodes(nodes)), input: translation.image, classes: classes)
    let layout: ParameterLayout
    do {
      // As whoever reads the file will read it: a value out of its bounds is told now.
      guard let read = try ModelCard(metadata: card.metadata()) else { throw ONNXError("the network has no description") }
      layout = try read.graph().layout
      self.card = read
    } catch let error as ONNXError {
      throw error
    } catch {
      throw ONNXError("\(error)")
    }
    let found = layout.parameters.map { (parameter: $0, tensor: tensors[$0.name]) }
    let missing = found.filter { $0.tensor?.shape != $0.parameter.shape }.map {
      "the weight \($0.parameter.name) is not of the shape \($0.parameter.shape)"
    }
    let broken = found.filter { !($0.tensor?.values.allSatisfy(\.isFinite) ?? true) }.map {
      "the weight \($0.parameter.name) holds values that are not finite"
    }
    guard missing.isEmpty, broken.isEmpty else { throw ONNXError(missing + broken) }
    weights = Weights(layout, tensors: found.compactMap(\.tensor))
    notices = translation.notices
  }

  /// The network as a safetensors file, which is how it is stored.
  package func encoded() throws(ModelError) -> Data {
    var metadata = try card.metadata()
    if !notices.isEmpty {
      metadata[ModelCard.noticesKey] = JSONValue.array(notices.map { ["code": .string($0.code), "detail": .string($0.detail)] })
        .serialised()
    }
    return Safetensors(weights, metadata: metadata).encoded()
  }
}

extension ModelCard {
  /// What an import had to say, in a file's metadata: a list of `{code, detail}`.
  static let noticesKey = "temper.notices"

  /// What the import of a file had to say.
  package static func notices(_ metadata: [String: String]) -> JSONValue? {
    metadata[noticesKey].flatMap { try? JSONValue(parsing: Array($0.utf8)) }
  }
}
