import TensorEngine

/// What an attack sees of a model: predictions, losses and the gradient at the input, of any number of examples.
///
/// Not `Sendable`: a classifier belongs to the thread that was given it.
package protocol Classifier: AnyObject {
  /// The shape of one image, `[height, width, channels]`.
  var inputShape: Shape { get }
  var classes: Int { get }
  /// Whether the same image may get different answers: each then depends on the draw.
  var isRandomised: Bool { get }

  /// Whose answers decide whether an image fools the model: another one where attacks are shown only a part of it.
  var judge: any Classifier { get }

  /// The same model in reduced precision, for the attacks that may use it; `nil` where there is none.
  var reduced: (any Classifier)? { get }

  /// Chooses the random numbers of the answers that follow.
  func draw(_ draw: RandomDraw)

  /// Logits `[batch, classes]`, before softmax, of `images` `[batch, height, width, channels]` in [0, 1].
  func logits(of images: Tensor) -> Tensor

  /// The same for a classifier that draws for itself: `ids` are what the example of each row is called in its dataset.
  func logits(of images: Tensor, ids: [Int]) -> Tensor

  /// Remembers `images` `[batch, height, width, channels]`, to answer to others that differ from them in squares of `side` pixels; `nil` where
  /// that is no quicker than a whole pass.
  func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)?

  /// One forward and one backward pass.
  ///
  /// - Parameters:
  ///   - targets: what `loss` compares the logits with, an entry an example.
  ///   - gradient: same shape as `images`, overwritten with the gradient of the summed loss.
  /// - Returns: the loss of each example and the logits `[batch, classes]` it was computed from.
  func inputGradient(at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor) -> (losses: [Float], logits: Tensor)
}

extension Classifier {
  package var isRandomised: Bool { false }

  package var judge: any Classifier { self }

  package var reduced: (any Classifier)? { nil }

  package func draw(_ draw: RandomDraw) {}

  package func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)? { nil }

  package func logits(of images: Tensor, ids: [Int]) -> Tensor { logits(of: images) }
}

/// A model that several threads may question at once.
package protocol ClassifierTeam {
  var inputShape: Shape { get }
  var classes: Int { get }
  /// The examples that go through the model at once: of fewer than that the rest is padding.
  var shardSize: Int { get }
  /// Of a forward pass over one example; 0 where nobody knows.
  var passOperations: Int { get }
  /// Whether its classifiers are random.
  var isRandomised: Bool { get }
  /// Whether its classifiers have a copy in reduced precision.
  var hasReduced: Bool { get }

  /// Calls `body` once for each number of a task in `0..<count`, each with a classifier that no other thread uses meanwhile, and
  /// returns when all are done. The first error thrown by a body ends the work and is thrown here.
  func forEachTask(_ count: Int, _ body: @Sendable (Int, any Classifier) throws -> Void) throws
}

extension ClassifierTeam {
  package var passOperations: Int { 0 }
  package var isRandomised: Bool { false }
  package var hasReduced: Bool { false }
}
