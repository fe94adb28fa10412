import Foundation

/// The 1cycle policy (Smith and Topin 2019, arXiv:1708.07120) as PyTorch's `OneCycleLR` has it with `cycle_momentum=False`: the rate rises
/// from its `divisor`th part to the full rate, and falls to the `finalDivisor`th part of where it began.
package struct OneCycle: Hashable, Sendable {
  /// How the rate goes from one value to the next.
  package enum Anneal: String, CaseIterable, Hashable, Sendable {
    case cos, linear

    /// The value at the part `done` of the way.
    fileprivate func value(from start: Double, to end: Double, done: Double) -> Double {
      switch self {
      case .cos: end + (start - end) / 2 * (1 + Foundation.cos(Double.pi * done))
      case .linear: start + (end - start) * done
      }
    }
  }

  /// The part of the steps in which the rate rises, PyTorch's `pct_start`.
  package var peak = 0.3
  package var anneal = Anneal.cos
  /// PyTorch's `div_factor` and `final_div_factor`.
  package var divisor = 25.0
  package var finalDivisor = 1e4

  package init(peak: Double = 0.3, anneal: Anneal = .cos, divisor: Double = 25, finalDivisor: Double = 1e4) {
    self.peak = peak
    self.anneal = anneal
    self.divisor = divisor
    self.finalDivisor = finalDivisor
  }

  /// The factor for the learning rate of a step, counted from 0.
  func factor(step: Int, of steps: Int) -> Double {
    let (start, last) = (1 / divisor, Double(steps - 1))
    // The step of the highest rate. It need not be whole; where it is not after the first step, there is no rise.
    let top = peak * Double(steps) - 1
    let step = Double(step)
    if step <= top { return top > 0 ? anneal.value(from: start, to: 1, done: step / top) : 1 }
    return anneal.value(from: 1, to: start / finalDivisor, done: (step - top) / (last - top))
  }
}
