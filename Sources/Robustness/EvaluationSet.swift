import TensorEngine

/// The examples of an evaluation. Their images are read through a closure, so that not all of them need to be in memory at once.
package struct EvaluationSet: Sendable {
  /// The index of each example in its data set. It selects the example's random numbers.
  package let ids: [Int]
  /// The true class of each example.
  package let labels: [Int]
  /// The name of each class.
  package let classNames: [String]
  /// Returns the clean images `[count, height, width, channels]`, in [0, 1], at the given positions in `ids`.
  package let images: @Sendable (_ positions: [Int]) throws -> Tensor

  package init(ids: [Int], labels: [Int], classNames: [String], images: @escaping @Sendable (_ positions: [Int]) throws -> Tensor) {
    precondition(ids.count == labels.count, "an example has an id and a label: \(ids.count) ids, \(labels.count) labels")
    precondition(labels.allSatisfy(classNames.indices.contains), "a label is the number of a class, 0..<\(classNames.count)")
    self.ids = ids
    self.labels = labels
    self.classNames = classNames
    self.images = images
  }

  /// A set whose images are in memory: `images` is `[labels.count, height, width, channels]`. `ids` are 0, 1, … unless given.
  package init(images: Tensor, labels: [Int], classNames: [String], ids: [Int]? = nil) {
    self.init(ids: ids ?? Array(labels.indices), labels: labels, classNames: classNames) { images.gathered($0) }
  }

  package var count: Int { ids.count }
}
