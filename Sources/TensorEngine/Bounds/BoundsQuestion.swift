/// What a pass of interval bounds is asked: about which box around each image, and against which class.
package struct BoundsQuestion: Sendable {
  /// The largest change of a pixel; the box is cut to [0, 1].
  package let epsilon: Float
  /// The class of each example that the others are compared with.
  package let labels: [Int]
  /// The weight of the regulariser's penalty, of a program that has one: see `BoundRegularizer`.
  package let regularization: Float

  package init(epsilon: Float, labels: [Int], regularization: Float = 0) {
    self.epsilon = epsilon
    self.labels = labels
    self.regularization = regularization
  }
}
