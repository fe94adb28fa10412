/// The facts about a data set without its images, for lists, answers, reports and the footer of its packed file. A further field needs a
/// new version of the packed format.
package struct DatasetSummary: Codable, Equatable, Sendable {
  package struct Part: Codable, Equatable, Sendable {
    package let count: Int
    /// The number of images of each class, by label.
    package let perClass: [Int]

    enum CodingKeys: String, CodingKey {
      case count
      case perClass = "per_class"
    }

    init(count: Int, perClass: [Int]) {
      self.count = count
      self.perClass = perClass
    }

    init(_ split: Split, classes: Int) { self.init(count: split.count, perClass: split.countsPerClass(classes)) }
  }

  /// `[height, width, channels]` or `[features]`.
  package let shape: [Int]
  package let classes: Int
  package let classNames: [String]
  /// Without the images of `validation`.
  package let train: Part
  /// What the makers of the data set held out of the training part; nil where they did not.
  package let validation: Part?
  package let test: Part
  /// See `Dataset.sha256`.
  package let sha256: String
  /// The size of the original files in bytes.
  package let bytes: Int
  /// nil: none, as in data sets that were packed before there were any.
  private let kept: [DatasetNotice]?

  /// What whoever brought it should know.
  package var notices: [DatasetNotice] { kept ?? [] }

  enum CodingKeys: String, CodingKey {
    case shape, classes, train, validation, test, sha256, bytes
    case classNames = "class_names"
    case kept = "warnings"
  }

  init(
    shape: [Int], classNames: [String], train: Part, validation: Part? = nil, test: Part, sha256: String, bytes: Int,
    notices: [DatasetNotice] = []
  ) {
    kept = notices.isEmpty ? nil : notices
    self.shape = shape
    classes = classNames.count
    self.classNames = classNames
    self.train = train
    self.validation = validation
    self.test = test
    self.sha256 = sha256
    self.bytes = bytes
  }

  package init(_ dataset: Dataset) {
    let (train, held) = (dataset.train, dataset.givenValidation)
    func part(_ range: Range<Int>) -> Part { Part(train.selecting(Array(range)), classes: dataset.classes) }
    self.init(
      shape: dataset.imageShape.dimensions, classNames: dataset.classNames, train: part(0..<train.count - held),
      validation: held == 0 ? nil : part(train.count - held..<train.count), test: Part(dataset.test, classes: dataset.classes),
      sha256: dataset.sha256, bytes: dataset.sourceBytes)
  }
}
