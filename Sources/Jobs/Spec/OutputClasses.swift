import Datasets
import Models
import TensorEngine

/// The classes of an evaluation whose network has more outputs than the data set has classes: an imported network of a thousand, say, judged
/// on a few of them. It is done where the data set's classes are numbers, since labels then are the numbers of outputs.
private struct OutputClasses {
  /// nil: the data set's own.
  private(set) var names: [String]?

  init(_ own: [String], image: Shape, _ spec: JobSpec, _ catalogue: any Catalogue) {
    names = nil
    guard spec.kind == .evaluate, own == (0..<own.count).map(String.init) else { return }
    let (outputs, found) = Self.outputs(spec, image, own.count, catalogue)
    guard outputs > own.count else { return }
    names = found.flatMap { $0.count == outputs ? $0 : nil } ?? (0..<outputs).map(String.init)
  }

  /// The outputs for which the weights were made, and what they are called.
  private static func outputs(_ spec: JobSpec, _ image: Shape, _ classes: Int, _ catalogue: any Catalogue) -> (Int, [String]?) {
    guard let id = spec.model.initial else { return (classes, nil) }
    if let metadata = try? catalogue.metadata(ofWeights: id), let card = try? ModelCard(metadata: metadata) {
      return (card.classes, card.classNames)
    }
    // What cannot be read is told by whoever looks at the weights.
    guard let graph = try? spec.model.description.graph(input: image, classes: classes),
      let outline = try? catalogue.outline(ofWeights: id),
      let last = LastLayer(graph)
    else { return (classes, nil) }
    return (last.otherClasses(of: outline) ?? classes, nil)
  }
}

extension DatasetFacts {
  /// With a class for each output of the network.
  func named(_ spec: JobSpec, _ catalogue: any Catalogue) -> DatasetFacts {
    guard let names = OutputClasses(classNames, image: shape, spec, catalogue).names else { return self }
    var facts = self
    facts.trainPerClass += [Int](repeating: 0, count: names.count - classes)
    (facts.classes, facts.classNames) = (names.count, names)
    return facts
  }
}

extension Dataset {
  /// The same of the data set itself.
  func named(_ spec: JobSpec, _ catalogue: any Catalogue) -> Dataset {
    guard let names = OutputClasses(classNames, image: imageShape, spec, catalogue).names else { return self }
    return Dataset(
      name: name, imageShape: imageShape, classNames: names, train: train, givenValidation: givenValidation, test: test,
      sha256: sha256, sourceBytes: sourceBytes)
  }
}
