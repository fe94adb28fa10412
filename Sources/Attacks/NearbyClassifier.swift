import TensorEngine

/// What a classifier answers to images that differ from known ones in a square each, computed from what it remembers of those. The answers
/// are those of the classifier but for rounding.
package protocol NearbyClassifier: AnyObject {
  /// Logits `[candidates, classes]` of `candidates` `[candidates, height, width, channels]`.
  ///
  /// - Parameters:
  ///   - images: the known image, by its row, that each differs from.
  ///   - places: the upper left pixel of the square in which it does.
  func logits(of candidates: Tensor, changing images: [Int], at places: [Place]) -> Tensor

  /// Makes the candidates of some rows of the last question known, in place of the images that they differ from.
  func keep(_ rows: [Int])
}

extension Cone: NearbyClassifier {}
