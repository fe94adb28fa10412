import TensorEngine

/// The examples that an evaluation looks at, with a way to their images, so that not all of them need be in memory at once.
package struct EvaluationSet: Sendable {
  /// What each example is called in its dataset: its random numbers hang on it.
  package let ids: [Int]
  /// The true class of each example.
  package let labels: [Int]
  /// By class.
  package let classNames: [String]
  /// The clean images `[count, height, width, channels]`, in [0, 1], at positions in `ids`.
  package let images: @Sendable (_ positions: [Int]) throws -> Tensor

  package init(ids: [Int], labels: [Int], classNames: [String], images: @escaping @Sendable (_ positions: [Int]) throws -> Tensor) {
    precondition(ids.count == labels.count, "an example has an id and a label: \(ids.count) ids, \(labels.count) labels")
    precondition(labels.allSatisfy(classNames.indices.contains), "a label is the number of a class, 0..<\(classNames.count)")
    self.ids = ids
    self.labels = labels
    self.classNames = classNames
    self.images = images
  }

  /// A set that is in memory: `images` is `[labels.count, height, width, channels]`; `ids` are 0, 1, … unless given.
  package init(images: Tensor, labels: [Int], classNames: [String], ids: [Int]? = nil) {
    self.init(ids: ids ?? Array(labels.indices), labels: labels, classNames: classNames) { images.gathered($0) }
  }

  package var count: Int { ids.count }
}
