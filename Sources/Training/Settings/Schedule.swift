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
    }
  }
}
