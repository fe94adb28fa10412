import TensorEngine

/// Images with their classes, in a training part and a test part.
///
/// It is immutable, and its pixels are stored once, usually in a file. Passing a data set to another thread copies no pixels.
package struct Dataset: Sendable {
  package let name: String
  /// `[height, width, channels]`, or `[features]` for rows of features.
  package let imageShape: Shape
  /// A name for each class, by its label.
  package let classNames: [String]
  package let train: Split
  /// How many images at the end of the training part its makers set aside to choose by; 0 where they did not.
  package let givenValidation: Int
  package let test: Split
  /// The SHA-256 of the source in hexadecimal: of the original files, concatenated in the order of `DatasetFormat.parts` (`cat
  /// train-images… train-labels… t10k-images… t10k-labels… | sha256sum` gives the same).
  package let sha256: String
  /// The size of the original files in bytes.
  package let sourceBytes: Int

  package init(
    name: String, imageShape: Shape, classNames: [String], train: Split, givenValidation: Int = 0, test: Split, sha256: String,
    sourceBytes: Int
  ) {
    self.name = name
    self.imageShape = imageShape
    self.classNames = classNames
    self.train = train
    self.givenValidation = givenValidation
    self.test = test
    self.sha256 = sha256
    self.sourceBytes = sourceBytes
  }

  /// The training images that are learnt from, and those that are held out to choose by: the ones that the data set's makers set aside, or
  /// a part of each class, drawn by the seed.
  ///
  /// - Parameter fraction: the part to draw, where none are set aside.
  package func trainingParts(fraction: Double, seed: UInt64) -> (train: [Int], validation: [Int]) {
    guard givenValidation > 0 else { return stratifiedValidation(of: train.labels, classes: classes, fraction: fraction, seed: seed) }
    let first = train.count - givenValidation
    return (Array(0..<first), Array(first..<train.count))
  }

  /// The number of classes: labels are in `0..<classes`.
  package var classes: Int { classNames.count }
  /// The memory that labels, indices and pixels take, in bytes; pixels in a file take none.
  package var memoryBytes: Int { train.memoryBytes + test.memoryBytes }
  /// The memory that pixels take.
  package var pixelBytes: Int { train.pixelBytes + test.pixelBytes }
  package var summary: DatasetSummary { DatasetSummary(self) }
}
