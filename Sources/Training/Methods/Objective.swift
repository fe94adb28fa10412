import Attacks
import TensorEngine

/// What is learnt from a batch: a loss of the logits of one or more views of each example.
///
/// An objective sees only examples that the method attacks. Those that `adversarial_fraction` leaves clean are learnt from as in standard
/// training: by cross-entropy on the first view, which is then the clean image.
package protocol Objective: Sendable {
  /// The images of each example that pass through the network, in this order, each in a forward and a backward pass of its own: batch norm
  /// takes the statistics of one view at a time, and its running statistics take in each.
  var views: [View] { get }

  /// Whether it is told the gradients at the images, which come with the same backward passes.
  var needsInputGradients: Bool { get }

  /// A penalty on gradients at images that is learnt from too; `nil`: none.
  var penalty: (any GradientPenalty)? { get }

  /// How many updates in a row learn from the same batch. An epoch has as many updates as with one; the batches of one shuffled order then
  /// last for so many epochs.
  var replays: Int { get }

  /// The size of the perturbation of the weights at which the gradients are taken (AWP), relative to the length of each tensor; 0: none.
  ///
  /// - Parameters:
  ///   - done: epochs of the retraining that are over.
  ///   - epochs: those of the whole retraining.
  func weightPerturbation(after done: Int, of epochs: Int) -> Double

  /// The loss of each example, and the gradients of their *sum* at the logits of every view.
  ///
  /// - Parameters:
  ///   - examples: some of the batch, such as a shard of it.
  ///   - state: to be read alone; several threads do at once.
  ///   - gradients: `[examples, classes]` for each view, overwritten.
  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float]

  /// The count of numbers in its state, which it carries from update to update.
  func stateCount(_ size: TrainingSize) -> Int

  /// Called after each update of the weights, on one thread, where there is any state.
  ///
  /// - Parameters:
  ///   - batch: all that was learnt from, attacked or not, in the order of the batch.
  ///   - inputGradients: for each view `[examples, height, width, channels]`, of the mean loss of the batch; none unless they are needed.
  func updateState(_ state: MethodState, after batch: ViewLogits, inputGradients: [Tensor])
}

extension Objective {
  package var needsInputGradients: Bool { false }
  package var penalty: (any GradientPenalty)? { nil }
  package var replays: Int { 1 }
  package func weightPerturbation(after done: Int, of epochs: Int) -> Double { 0 }
  package func stateCount(_ size: TrainingSize) -> Int { 0 }
  package func updateState(_ state: MethodState, after batch: ViewLogits, inputGradients: [Tensor]) {}
}

/// An image of an example.
package enum View: Hashable, Sendable {
  /// As it is in the data set.
  case clean
  /// After the attack.
  case adversarial
  /// Not an image but the box around the clean one. Its logits are those of the worst case, by interval bounds: see `WorstCaseLogits`. It is
  /// the last view of an objective that has it.
  case bounds
}

/// Examples and what the network says of each of their views.
package struct ViewLogits: Sendable {
  /// An entry a view: `[examples, classes]`, before softmax.
  package let logits: [Tensor]
  package let labels: [Int]
  /// Their positions in the training set.
  package let ids: [Int]
  /// The part of each label's probability that is spread evenly over all classes, in [0, 1).
  package let labelSmoothing: Float

  package init(logits: [Tensor], labels: [Int], ids: [Int], labelSmoothing: Float = 0) {
    self.logits = logits
    self.labels = labels
    self.ids = ids
    self.labelSmoothing = labelSmoothing
  }

  /// The cross-entropy of one view with the labels, smoothed as the run asks for: what an objective learns labels by. The attack never sees
  /// smoothed labels.
  ///
  /// - Parameter gradient: of the sum, at the logits of the view; overwritten.
  /// - Returns: that of each example.
  package func crossEntropy(_ view: Int, gradient: inout Tensor) -> [Float] {
    CrossEntropy(labelSmoothing: labelSmoothing)(logits[view], labels: labels, gradient: &gradient)
  }

  /// Those in `rows`, in that order.
  func gathered(_ rows: [Int]) -> ViewLogits {
    ViewLogits(
      logits: logits.map { $0.gathered(rows) }, labels: labels.gathered(rows), ids: ids.gathered(rows),
      labelSmoothing: labelSmoothing)
  }
}

/// How much a run trains on.
package struct TrainingSize: Sendable {
  /// In the data set; ids are below this.
  package let examples: Int
  /// Of a batch, at most.
  package let batch: Int
  /// Of one image.
  package let image: Shape
  package let classes: Int
}
