import Datasets

extension Dataset {
  /// This data set with at most `limit` training images, every class in proportion. The test part is not limited, nor is a validation part
  /// of its own.
  package func limited(to limit: Int?, seed: UInt64) -> Dataset {
    guard let limit, limit < train.count - givenValidation else { return self }
    let chosen = trainImages(limit: limit, seed: seed)
    return Dataset(
      name: name, imageShape: imageShape, classNames: classNames, train: train.selecting(chosen), givenValidation: givenValidation,
      test: test,
      sha256: sha256, sourceBytes: sourceBytes)
  }

  /// The indices of those training images.
  func trainImages(limit: Int?, seed: UInt64) -> [Int] {
    let own = train.count - givenValidation
    guard let limit, limit < own else { return Array(0..<train.count) }
    return stratifiedSample(of: train.labels, among: Array(0..<own), classes: classes, count: limit, seed: seed) + Array(own..<train.count)
  }
}
