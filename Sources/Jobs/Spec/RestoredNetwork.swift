import JSON
import Models

/// A spec that begins with the weights of a network, and says nothing of that network or of a part of it, means the one that the weights' file
/// describes.
///
/// Without an architecture it is the whole network, as an uploaded ONNX file or a checkpoint holds it. Without preprocessing it is what was
/// done to images there: a network is not judged or trained on without its defence unless the spec asks for it by an empty list.
struct RestoredNetwork {
  /// The document with what the weights' file says.
  let document: JSONValue
  /// Why that file says nothing that can be used.
  let fault: FieldFault?

  init(_ given: JSONValue, _ catalogue: any Catalogue) {
    let model = given["model"]
    func isSilent(_ name: String) -> Bool { (model?[name] ?? .null) == .null }
    let names = ["architecture", "layers", "nodes"]
    let lacksNetwork = names.allSatisfy(isSilent)
    let lacksPreprocessing = isSilent(Preprocessing.field.name)
    guard lacksNetwork || lacksPreprocessing, let id = model?["init"]?.string else {
      (document, fault) = (given, nil)
      return
    }
    do {
      let metadata = try catalogue.metadata(ofWeights: id) ?? [:]
      var document = given
      if lacksPreprocessing {
        let found = try ModelCard.preprocessing(metadata)
        if !found.isEmpty { document = document.setting("/model/\(Preprocessing.field.name)", to: .array(found.map(\.json))) }
      }
      if lacksNetwork, let card = try ModelCard(metadata: metadata) {
        for (name, value) in card.network(withNormalization: isSilent("normalization")).members {
          document = document.setting("/model/\(name)", to: value)
        }
      }
      (self.document, fault) = (document, nil)
    } catch let error as ModelCardError {
      document = given
      fault = FieldFault("/model/init", .doesNotFit, "\(error)")
    } catch {
      // A file that cannot be read at all is told by whoever looks at its weights.
      (document, fault) = (given, nil)
    }
  }
}
