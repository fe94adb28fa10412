/// An update rule with what it remembers of each weight, in flat arrays of the layout of the weights.
package final class Optimizer {
  private let rule: any UpdateRule
  private let count: Int
  private let memory: [UnsafeMutableBufferPointer<Float>]
  /// Steps done.
  private(set) var step = 0

  /// - Parameter count: the number of weights.
  package init(_ rule: any UpdateRule, count: Int) {
    self.rule = rule
    self.count = count
    memory = (0..<rule.slots).map { _ in
      let slot = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
      slot.initialize(repeating: 0)
      return slot
    }
  }

  deinit { for slot in memory { slot.deallocate() } }

  /// Begins the next step; the result updates ranges of the weights, each once, from any thread.
  ///
  /// - Parameter weights: all weights, valid until the step is over.
  package func beginStep(on weights: UnsafeMutableBufferPointer<Float>, learningRate: Double) -> OptimizerStep {
    precondition(weights.count == count, "\(weights.count) weights for an optimiser of \(count)")
    step += 1
    return OptimizerStep(rule: rule, weights: weights, memory: memory, step: step, learningRate: learningRate)
  }

  /// What the optimiser remembers, until the next step: to be read, or overwritten with what was saved.
  package var slots: [UnsafeMutableBufferPointer<Float>] { memory }

  /// Goes on as after so many steps, with what `slots` hold.
  package func resume(after step: Int) { self.step = step }

  /// Begins anew, as if there had been no step.
  package func reset() {
    for slot in memory { slot.update(repeating: 0) }
    step = 0
  }
}

/// One step of an optimiser.
///
/// `@unchecked Sendable`: it points at the weights and at the optimiser's memory, and threads that share it update disjoint ranges.
package struct OptimizerStep: @unchecked Sendable {
  fileprivate let rule: any UpdateRule
  fileprivate let weights: UnsafeMutableBufferPointer<Float>
  fileprivate let memory: [UnsafeMutableBufferPointer<Float>]
  fileprivate let step: Int
  fileprivate let learningRate: Double

  /// Updates the weights of `range`.
  ///
  /// - Parameter gradient: of the first weight of `range`, followed by the others'.
  package func update(_ range: Range<Int>, gradient: UnsafePointer<Float>) {
    guard !range.isEmpty, let base = weights.baseAddress else { return }
    rule.update(
      base + range.lowerBound, count: range.count, gradient: gradient,
      memory: memory.compactMap { $0.baseAddress.map { $0 + range.lowerBound } }, step: step, learningRate: learningRate)
  }
}
