import Synchronization
import TensorEngine

/// What an update makes of the gradients of a batch: their sum over all sets, no longer than it may be, for the optimiser.
struct WeightUpdate: Sendable {
  /// The largest norm of the whole gradient, as `torch.nn.utils.clip_grad_norm_` has it; nil: any.
  var clipNorm: Double?
  /// Which floats of the weights are learnt, in order; the others have no part in the norm, and no optimiser changes them.
  let learnt: [Range<Int>]
  /// Added before that: the slope of a penalty on the sum of all |w|; nil: there is none.
  var l1: L1Slope?

  /// - Parameter sets: how many sets of `gradients` are summed.
  func callAsFunction(_ gradients: Gradients, sets: Int, _ step: OptimizerStep, on engine: Engine, width: Int) throws {
    guard clipNorm != nil || l1 != nil else {
      return try gradients.reduce(sets: sets, on: engine, width: width) { range, gradient in
        for part in learnt(in: range) { step.update(part, gradient: gradient + part.lowerBound - range.lowerBound) }
      }
    }
    try gradients.reduce(sets: sets, on: engine, width: width) { _, _ in }
    if let l1 { try gradients.forEachRange(on: engine, width: width) { l1.add(to: $1, $0) } }
    // The norm is that of the sum, so all of it has to be there before the first weight changes.
    let squares = Mutex([Int: Double]())
    try gradients.forEachRange(on: engine, width: width) { range, gradient in
      var sum = 0.0
      for part in learnt(in: range) {
        for index in part { sum += Double(gradient[index - range.lowerBound]) * Double(gradient[index - range.lowerBound]) }
      }
      squares.withLock { $0[range.lowerBound] = sum }
    }
    // In the order of the weights, whichever thread was first.
    let norm = squares.withLock { $0.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value } }.squareRoot()
    // 1e-6 as in PyTorch; the norm may be 0.
    let factor = Float(min(1, (clipNorm ?? .infinity) / (norm + 1e-6)))
    try gradients.forEachRange(on: engine, width: width) { range, gradient in
      for index in 0..<range.count { gradient[index] *= factor }
      for part in learnt(in: range) { step.update(part, gradient: gradient + part.lowerBound - range.lowerBound) }
    }
  }

  /// The same for a batch that learns from interval bounds: no longer than these allow either, and with their penalty.
  func with(_ bounds: BoundsTraining.Step?, l1: L1Slope?) -> WeightUpdate {
    WeightUpdate(clipNorm: [clipNorm, bounds?.clipNorm].compactMap(\.self).min(), learnt: learnt, l1: l1)
  }

  /// A gradient of all weights with zeros for those that are not learnt.
  func learntPart(of gradient: [Float]) -> [Float] {
    var part = [Float](repeating: 0, count: gradient.count)
    for range in learnt { part.replaceSubrange(range, with: gradient[range]) }
    return part
  }

  private func learnt(in range: Range<Int>) -> [Range<Int>] { learnt.map { $0.clamped(to: range) }.filter { !$0.isEmpty } }
}
