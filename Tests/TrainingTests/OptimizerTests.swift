import Testing
import Training

@Suite("Optimisers")
struct OptimizerTests {
  /// The gradients that Tests/Peers/optimizers.py gave PyTorch.
  private func gradient(of weights: [Float], step: Int) -> [Float] {
    weights.indices.map { Float(step + 1) * (weights[$0] - 0.3) + 0.05 * Float($0) * Float(step - 2) }
  }

  private func apply(_ optimizer: Optimizer, to weights: inout [Float], rate: Double, step: Int, ranges: [Range<Int>]) {
    let gradient = gradient(of: weights, step: step)
    weights.withUnsafeMutableBufferPointer { buffer in
      let update = optimizer.beginStep(on: buffer, learningRate: rate)
      for range in ranges { gradient[range].withUnsafeBufferPointer { update.update(range, gradient: $0.baseAddress!) } }
    }
  }

  @Test("each takes the steps that PyTorch's takes", arguments: PyTorchReference.trajectories.indices)
  func followsPyTorch(_ index: Int) {
    let reference = PyTorchReference.trajectories[index]
    var weights = PyTorchReference.start
    let optimizer = Optimizer(reference.settings.updateRule, count: weights.count)
    for (step, expected) in reference.weights.enumerated() {
      apply(optimizer, to: &weights, rate: reference.settings.learningRate, step: step, ranges: [0..<5])
      for (weight, peer) in zip(weights, expected) {
        #expect(abs(weight - peer) <= 2e-6 * max(1, abs(peer)), "\(reference.name), step \(step)")
      }
    }
  }

  @Test("updating by ranges gives the same bits as updating at once", arguments: PyTorchReference.trajectories.indices)
  func rangesDoNotMatter(_ index: Int) {
    let reference = PyTorchReference.trajectories[index]
    var (whole, parts) = (PyTorchReference.start, PyTorchReference.start)
    let one = Optimizer(reference.settings.updateRule, count: whole.count)
    let other = Optimizer(reference.settings.updateRule, count: parts.count)
    for step in 0..<4 {
      apply(one, to: &whole, rate: 0.03, step: step, ranges: [0..<5])
      apply(other, to: &parts, rate: 0.03, step: step, ranges: [3..<5, 0..<1, 1..<3])
    }
    #expect(whole == parts)
  }

  @Test("a restored optimiser goes on as if it had never stopped", arguments: PyTorchReference.trajectories.indices)
  func restores(_ index: Int) {
    let reference = PyTorchReference.trajectories[index]
    var weights = PyTorchReference.start
    let first = Optimizer(reference.settings.updateRule, count: weights.count)
    for step in 0..<3 { apply(first, to: &weights, rate: 0.03, step: step, ranges: [0..<5]) }
    var resumed = weights
    let second = Optimizer(reference.settings.updateRule, count: weights.count)
    for (slot, saved) in zip(second.slots, first.slots) { _ = slot.update(fromContentsOf: saved) }
    second.resume(after: 3)
    for step in 3..<6 {
      apply(first, to: &weights, rate: 0.03, step: step, ranges: [0..<5])
      apply(second, to: &resumed, rate: 0.03, step: step, ranges: [0..<5])
    }
    #expect(weights == resumed)
  }

  @Test("an optimiser that begins anew is as if there had been no step")
  func beginsAnew() {
    let reference = PyTorchReference.trajectories[0]
    let (fresh, used) = (
      Optimizer(reference.settings.updateRule, count: 5), Optimizer(reference.settings.updateRule, count: 5)
    )
    var (weights, others) = (PyTorchReference.start, PyTorchReference.start)
    apply(used, to: &others, rate: 0.03, step: 0, ranges: [0..<5])
    used.reset()
    others = PyTorchReference.start
    apply(fresh, to: &weights, rate: 0.03, step: 0, ranges: [0..<5])
    apply(used, to: &others, rate: 0.03, step: 0, ranges: [0..<5])
    #expect(weights == others)
  }
}
