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

  /// What the optimiser remembers, as it is until the next step.
  package var state: [UnsafeBufferPointer<Float>] { memory.map { UnsafeBufferPointer($0) } }

  /// Goes on from a state that was saved after `step` steps.
  ///
  /// - Returns: whether the state fits.
  package func restore(_ state: [[Float]], step: Int) -> Bool {
    guard state.count == memory.count, state.allSatisfy({ $0.count == count }), step >= 0 else { return false }
    for (slot, values) in zip(memory, state) { _ = slot.update(fromContentsOf: values) }
    self.step = step
    return true
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
