import Datasets

extension Dataset {
  /// This data set with at most `limit` training images, every class in proportion; the test part stays whole.
  func limited(to limit: Int?, seed: UInt64) -> Dataset {
    guard let limit, limit < train.count else { return self }
    let chosen = stratifiedSample(of: train.labels, classes: classes, count: limit, seed: seed)
    let pixels = Pixels(floats: train.images(at: chosen).values)
    return Dataset(
      name: name, imageShape: imageShape, classNames: classNames,
      train: Split(imageShape: imageShape, pixels: pixels, labels: train.labels(at: chosen)), test: test, sha256: sha256,
      sourceBytes: sourceBytes)
  }
}
