import Datasets

extension Dataset {
  /// This data set with at most `limit` training images, every class in proportion. The test part is not limited.
  package func limited(to limit: Int?, seed: UInt64) -> Dataset {
    guard let limit, limit < train.count else { return self }
    let chosen = trainImages(limit: limit, seed: seed)
    return Dataset(
      name: name, imageShape: imageShape, classNames: classNames, train: train.selecting(chosen), test: test, sha256: sha256,
      sourceBytes: sourceBytes)
  }

  /// The indices of those training images.
  func trainImages(limit: Int?, seed: UInt64) -> [Int] {
    guard let limit, limit < train.count else { return Array(0..<train.count) }
    return stratifiedSample(of: train.labels, classes: classes, count: limit, seed: seed)
  }
}
