import TensorEngine

/// Images as a reader found and packed them.
struct ImageArray {
  /// What errors call it.
  let title: String
  let count: Int
  let shape: Shape
  let array: PackedArray
}

/// Labels as a reader found and packed them, each in `0..<limits.classes`.
struct LabelArray {
  /// What errors call it.
  let title: String
  let tally: LabelTally
  let array: PackedArray
}

/// One part of a data set as a reader found it: as many labels as images.
struct LabelledImages {
  let images: ImageArray
  let labels: LabelArray

  init(_ images: ImageArray, _ labels: LabelArray) throws {
    guard images.count == labels.tally.count else {
      throw DatasetError(
        part: labels.title,
        "there are \(labels.tally.count) labels for the \(images.count) images of \(images.title); each image takes one")
    }
    self.images = images
    self.labels = labels
  }

  var packed: PackedFooter.Part { PackedFooter.Part(images: images.array, labels: labels.array) }

  fileprivate func summary(classes: Int) -> DatasetSummary.Part {
    let counts = labels.tally.perClass
    return DatasetSummary.Part(count: images.count, perClass: counts + [Int](repeating: 0, count: classes - counts.count))
  }
}

extension DatasetSummary {
  /// Of a data set of the two parts, when they fit together: images of one shape, and no class in the test part that training never names.
  init(train: LabelledImages, test: LabelledImages, sha256: String, bytes: Int) throws {
    guard train.images.shape == test.images.shape else {
      throw DatasetError(
        part: test.images.title,
        "the images are \(test.images.shape), but those of \(train.images.title) are \(train.images.shape); "
          + "both must have one shape")
    }
    let classes = train.labels.tally.perClass.count
    guard classes > 1 else {
      throw DatasetError(part: train.labels.title, "every label is 0; a classifier needs at least two classes, 0 and 1")
    }
    if let (label, index) = test.labels.tally.first(notBelow: classes) {
      throw DatasetError(
        part: test.labels.title,
        "label \(index) is \(label), but the labels of \(train.labels.title) are in 0…\(classes - 1); "
          + "there is no example to learn that class from")
    }
    self.init(
      shape: train.images.shape.dimensions, classNames: (0..<classes).map(String.init), train: train.summary(classes: classes),
      test: test.summary(classes: classes), sha256: sha256, bytes: bytes)
  }
}
