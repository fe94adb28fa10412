import JSON

/// How a method learns from interval bounds: over which box, how it grows, and what else the loss has.
package struct BoundsTraining: Hashable, Sendable {
  /// The largest ε of the box; `nil`: that of the threat.
  let epsilon: Double?
  /// The part of the retraining in which ε rises, in a line from 0.
  let ramp: Double
  /// The weight of the penalty of Shi et al. 2021 while ε is 0. It falls to 0 as ε rises.
  let regularization: Double
  /// The weight of the sum of all |w| of convolutions and linear layers.
  let l1: Double
  /// The longest gradient; `nil`: any.
  let clipNorm: Double?
  /// Whether the network begins with the weights of Shi et al. 2021.
  let initializes: Bool

  /// What an update is told of it.
  struct Step: Hashable, Sendable {
    let epsilon: Double
    /// ε as a part of its largest value.
    let rise: Double
    let regularization: Double
    let l1: Double
    let clipNorm: Double?
  }

  /// - Parameters:
  ///   - done: updates of the retraining that are over.
  ///   - steps: those of the whole retraining.
  ///   - largest: the ε of the threat.
  func step(after done: Int, of steps: Int, threat largest: Double) -> Step {
    let rising = ramp * Double(steps)
    let rise = Double(done) < rising ? Double(done) / rising : 1
    return Step(
      epsilon: (epsilon ?? largest) * rise, rise: rise, regularization: regularization * (1 - rise), l1: l1, clipNorm: clipNorm)
  }

  /// The epochs at the end of which ε has not risen to its full value: none of them leaves a model to choose.
  func risingEpochs(of epochs: Int) -> Int { min(Int((ramp * Double(epochs)).rounded(.up)), max(epochs - 1, 0)) }

  // MARK: As settings

  init(_ settings: MethodSettings) {
    epsilon = settings["train_epsilon"]?.double
    ramp = settings["ramp"]?.double ?? 0
    regularization = settings["regularizer"]?.double ?? 0
    l1 = settings["l1"]?.double ?? 0
    clipNorm = settings["clip"]?.double
    initializes = settings["bound_init"] == .bool(true)
  }

  /// CTBench's values for MNIST (Mao et al. 2025, arXiv:2406.04848).
  static let fields = [
    Field(
      "train_epsilon", .number(0...1, unit: .pixels),
      help:
        "The ε that the bounds are computed for; by default that of `threat`. A larger one can certify more: 0.2 where the threat is 0.1."),
    Field(
      "ramp", .number(0...1), default: .number(0.285_714),
      help: "The part of the method's epochs in which ε rises in a line from 0; none of these epochs leaves the best checkpoint."),
    Field(
      "regularizer", .number(0...100), default: 0.5,
      help: "The weight of the penalty on loose bounds and unbalanced ReLUs (Shi et al. 2021, arXiv:2103.17184); it falls to 0 as ε rises."),
    Field("l1", .number(0...1), default: 2e-6, help: "The weight of the sum of the absolute weights of convolutions and linear layers."),
    Field("clip", .number(above: 0), default: 10.0, help: "The longest gradient, in the 2-norm over all weights; null: any."),
    Field(
      "bound_init", .boolean, default: true,
      help: """
        Whether a network without `model.init` begins with weights for which bounds do not grow from layer to layer: normal with deviation \
        √(2π)/fan-in, the last layer as ever (Shi et al. 2021).
        """),
  ]
}
