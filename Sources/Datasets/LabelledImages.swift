import TensorEngine

/// Images that a reader has packed.
struct ImageArray {
  /// Its name in errors.
  let title: String
  let count: Int
  let shape: Shape
  let array: PackedArray
}

/// Labels that a reader has packed, each in `0..<limits.classes`.
struct LabelArray {
  /// Its name in errors.
  let title: String
  let tally: LabelTally
  let array: PackedArray
}

/// The training or test part of a data set: as many labels as images.
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

/// What a reader has packed.
struct PackedParts {
  let train, test: LabelledImages
  /// What the makers of the data set held out of the training part.
  var validation: LabelledImages?
  /// nil where the classes are called by their numbers.
  var classNames: [String]?
  var notices: [DatasetNotice] = []
}

extension DatasetSummary {
  /// The summary of a data set. Throws when the two parts do not fit together: their images must have one shape, and the test part no
  /// class that is missing in the training part.
  init(_ parts: PackedParts, sha256: String, bytes: Int) throws {
    let (train, test) = (parts.train, parts.test)
    for part in [test, parts.validation].compactMap(\.self) where part.images.shape != train.images.shape {
      throw DatasetError(
        part: part.images.title,
        "the images are \(part.images.shape), but those of \(train.images.title) are \(train.images.shape); "
          + "all must have one shape")
    }
    let classes = train.labels.tally.perClass.count
    guard classes > 1 else {
      throw DatasetError(part: train.labels.title, "every label is 0; a classifier needs at least two classes, 0 and 1")
    }
    for part in [test, parts.validation].compactMap(\.self) {
      guard let (label, index) = part.labels.tally.first(notBelow: classes) else { continue }
      throw DatasetError(
        part: part.labels.title,
        "label \(index) is \(label), but the labels of \(train.labels.title) are in 0…\(classes - 1); "
          + "there is no example to learn that class from")
    }
    let names = parts.classNames ?? (0..<classes).map(String.init)
    let facts = train.summary(classes: classes)
    let missing = zip(names, facts.perClass).filter { $0.1 == 0 }.map(\.0)
    self.init(
      shape: train.images.shape.dimensions, classNames: names, train: facts,
      validation: parts.validation?.summary(classes: classes), test: test.summary(classes: classes), sha256: sha256,
      bytes: bytes, notices: parts.notices + (missing.isEmpty ? [] : [.classesWithoutImages(missing)]))
  }
}
