import TensorEngine

/// Images as a reader found them.
struct ImageArray {
  /// What errors call it.
  let title: String
  let count: Int
  let shape: Shape
  let pixels: Pixels
}

/// Labels as a reader found them, each in `0..<limits.classes`.
struct LabelArray {
  /// What errors call it.
  let title: String
  let labels: [Int]
}

/// One part of a data set as a reader found it: as many labels as images.
struct LabelledImages {
  let images: ImageArray
  let labels: LabelArray

  init(_ images: ImageArray, _ labels: LabelArray) throws {
    guard images.count == labels.labels.count else {
      throw DatasetError(
        part: labels.title,
        "there are \(labels.labels.count) labels for the \(images.count) images of \(images.title); each image takes one")
    }
    self.images = images
    self.labels = labels
  }

  var split: Split { Split(imageShape: images.shape, pixels: images.pixels, labels: labels.labels) }
}

extension Dataset {
  /// A data set of the two parts, when they fit together: images of one shape, and no class in the test part that training never names.
  init(
    name: String, train: LabelledImages, test: LabelledImages, limits: DatasetLimits, sha256: String, sourceBytes: Int
  ) throws {
    guard train.images.shape == test.images.shape else {
      throw DatasetError(
        part: test.images.title,
        "the images are \(test.images.shape), but those of \(train.images.title) are \(train.images.shape); "
          + "both must have one shape")
    }
    let classes = (train.labels.labels.max() ?? 0) + 1
    guard classes > 1 else {
      throw DatasetError(part: train.labels.title, "every label is 0; a classifier needs at least two classes, 0 and 1")
    }
    if let index = test.labels.labels.firstIndex(where: { $0 >= classes }) {
      throw DatasetError(
        part: test.labels.title,
        "label \(index) is \(test.labels.labels[index]), but the labels of \(train.labels.title) are in 0…\(classes - 1); "
          + "there is no example to learn that class from")
    }
    self.init(
      name: name, imageShape: train.images.shape, classNames: (0..<classes).map(String.init), train: train.split, test: test.split,
      sha256: sha256, sourceBytes: sourceBytes)
  }
}
