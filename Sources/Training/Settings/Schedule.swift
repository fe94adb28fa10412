import Foundation

/// How the learning rate changes over a stage of training, step by step.
///
/// The base stage and the retraining that follows each run the schedule once, from its start to its end.
package enum Schedule: Hashable, Sendable {
  case constant
  /// Multiplied by `factor` when each of the epochs in `milestones` begins, counted from 0 within the stage (PyTorch's `MultiStepLR`).
  case step(milestones: [Int], factor: Double = 0.1)
  /// ½(1 + cos(π t/T)), t the number of steps done (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts; PyTorch's
  /// `CosineAnnealingLR` down to 0).
  case cosine
  /// From 0 in a line to the full rate at the part `peak` of the stage, and back to 0 (Wong et al. 2020; their code takes the rate at the
  /// end of each step, so the last step has rate 0).
  case cyclic(peak: Double = 0.4)
  case oneCycle(OneCycle)

  /// The factor for the learning rate of a step.
  ///
  /// - Parameters:
  ///   - step: counted from 0 over the stage.
  ///   - steps: the number of steps of the stage, at least 1.
  ///   - stepsPerEpoch: at least 1.
  package func factor(step: Int, of steps: Int, stepsPerEpoch: Int) -> Double {
    switch self {
    case .constant: return 1
    case .step(let milestones, let factor):
      let epoch = step / stepsPerEpoch
      return pow(factor, Double(milestones.count { $0 <= epoch }))
    case .cosine: return 0.5 * (1 + cos(Double.pi * Double(step) / Double(steps)))
    case .cyclic(let peak):
      let done = Double(step + 1) / Double(steps)
      return done <= peak ? done / peak : (1 - done) / (1 - peak)
    case .oneCycle(let cycle): return cycle.factor(step: step, of: steps)
    }
  }

  /// The same after a warm-up: over its steps the factor rises from 1/w to 1 in a line, and the schedule runs from its start to its end over
  /// those that follow; the milestones of `step` stay the epochs of the stage. It is PyTorch's `SequentialLR` of a `LinearLR` and the
  /// schedule.
  ///
  /// - Parameter warmup: the part of the stage, in [0, 1).
  package func factor(step: Int, of steps: Int, stepsPerEpoch: Int, warmup: Double) -> Double {
    let rising = Int((warmup * Double(steps)).rounded())
    if step < rising { return Double(step + 1) / Double(rising) }
    if case .step = self { return factor(step: step, of: steps, stepsPerEpoch: stepsPerEpoch) }
    return factor(step: step - rising, of: max(steps - rising, 1), stepsPerEpoch: stepsPerEpoch)
  }

  /// Whether it begins with a rise of its own.
  package var warmsUp: Bool {
    switch self {
    case .constant, .step, .cosine: false
    case .cyclic, .oneCycle: true
    }
  }
}
