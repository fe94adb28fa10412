import TensorEngine

/// An exponential moving average of the weights over the updates, with a warm-up: after update t the decay is min(τ, (1 + t)/(10 + t)), as
/// in the code of Gowal et al. 2020 (arXiv:2010.03593) and Rebuffi et al. 2021 (arXiv:2103.01946).
///
/// The running statistics of batch norm are copied, not averaged: they are averages already.
final class WeightAverage {
  let parameters: Parameters
  /// τ, in (0, 1).
  private let decay: Double
  /// The updates that it holds.
  private(set) var updates = 0

  init(_ layout: ParameterLayout, decay: Double) {
    parameters = Parameters(layout)
    self.decay = decay
  }

  /// Begins anew with these weights.
  func begin(with weights: Parameters) {
    parameters.copy(from: weights)
    updates = 0
  }

  /// Goes on as after so many updates, with what `parameters` holds.
  func resume(after updates: Int) { self.updates = updates }

  /// Takes in the weights after an update.
  func update(from weights: Parameters, on engine: Engine, width: Int) throws {
    updates += 1
    let gain = Float(1 - min(decay, Double(1 + updates) / Double(10 + updates)))
    let layout = parameters.layout
    let chunk = 1 << 16  // floats
    try weights.withValues { weights in
      try parameters.withValues { average in
        // Safe: tasks write disjoint ranges, and nothing else touches either meanwhile.
        nonisolated(unsafe) let (source, target) = (weights, average)
        try engine.parallel((layout.trainedCount + chunk - 1) / chunk, width: width) { task in
          for index in task * chunk..<min((task + 1) * chunk, layout.trainedCount) {
            target[index] += gain * (source[index] - target[index])
          }
        }
        for index in layout.trainedCount..<layout.count { target[index] = source[index] }
      }
    }
  }
}
