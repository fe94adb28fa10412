/// What is told about a data set without its images: in lists, in answers, in reports.
package struct DatasetSummary: Codable, Equatable, Sendable {
  package struct Part: Codable, Equatable, Sendable {
    package let count: Int
    /// How many images each class has, by its label.
    package let perClass: [Int]

    enum CodingKeys: String, CodingKey {
      case count
      case perClass = "per_class"
    }
  }

  /// `[height, width, channels]` or `[features]`.
  package let shape: [Int]
  package let classes: Int
  package let classNames: [String]
  package let train: Part
  package let test: Part
  /// See `Dataset.sha256`.
  package let sha256: String
  /// The size of the source, as it came.
  package let bytes: Int

  enum CodingKeys: String, CodingKey {
    case shape, classes, train, test, sha256, bytes
    case classNames = "class_names"
  }

  package init(_ dataset: Dataset) {
    shape = dataset.imageShape.dimensions
    classes = dataset.classes
    classNames = dataset.classNames
    train = Part(count: dataset.train.count, perClass: dataset.train.countsPerClass(dataset.classes))
    test = Part(count: dataset.test.count, perClass: dataset.test.countsPerClass(dataset.classes))
    sha256 = dataset.sha256
    bytes = dataset.sourceBytes
  }
}
