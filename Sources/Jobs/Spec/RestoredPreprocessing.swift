import JSON
import Models

/// A spec that says nothing of preprocessing, and begins with the weights of a network that had one, means that network: it is not judged or
/// trained on without its defence unless the spec asks for it by an empty list.
struct RestoredPreprocessing {
  /// The document with what the weights' file says is done to images.
  let document: JSONValue
  /// Why that file says nothing that can be used.
  let fault: FieldFault?

  init(_ given: JSONValue, _ catalogue: any Catalogue) {
    let name = Preprocessing.field.name
    let model = given["model"]
    let isSilent = (model?[name] ?? .null) == .null
    guard isSilent, let id = model?["init"]?.string else {
      (document, fault) = (given, nil)
      return
    }
    do {
      let found = try ModelCard.preprocessing(catalogue.metadata(ofWeights: id) ?? [:])
      document = found.isEmpty ? given : given.setting("/model/\(name)", to: .array(found.map(\.json)))
      fault = nil
    } catch let error as ModelCardError {
      document = given
      fault = FieldFault("/model/init", .doesNotFit, "\(error)")
    } catch {
      // A file that cannot be read at all is told by whoever looks at its weights.
      (document, fault) = (given, nil)
    }
  }
}
