import TensorEngine

/// Auto-PGD (Croce and Hein 2020, arXiv:2003.01690, algorithm 1): steps with momentum along the gradient, the first of 2ε; at checkpoints
/// that come ever closer each example's step is halved where its loss has stopped rising, and the example returns to its best point.
///
/// The details are those of the authors' code.
package struct APGD: Attack {
  /// Iterations: gradients that are stepped along.
  package var steps: Int
  package var keep: Keep
  package var loss: any Loss
  /// ρ: the share of steps since the last checkpoint that must have raised the loss for the step to keep its length.
  package var rho = 0.75
  /// The norm of the threats that it is for: see `SparseAPGD`.
  package var norm: Norm

  package init(steps: Int, keep: Keep, loss: any Loss, norm: Norm = .linf) {
    self.steps = steps
    self.keep = keep
    self.loss = loss
    self.norm = norm
  }

  package var isRandomised: Bool { true }

  /// Where the last step leads is only looked at: in L1 at the end of each stage.
  package var cost: AttackCost {
    AttackCost(gradientEvaluations: steps, forwardPasses: norm == .l1 ? SparseAPGD.stageCount : 1)
  }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    try search(examples, from: examples.streams(for: .attackStart), of: classifier, threat: threat, control: control).images
  }

  /// What one search found.
  struct Outcome {
    /// Of each example the first misclassified iterate, if that is kept, else the iterate of the highest loss.
    var images: Tensor
    /// The examples that did not leave, by their row.
    var remaining: [Int]
    /// The highest loss of each of those.
    var losses: [Float]
  }

  /// - Parameters:
  ///   - streams: the random numbers of each example's start.
  ///   - targetClasses: of a targeted loss.
  func search(
    _ examples: Examples, from streams: [RandomStream], towards targetClasses: [Int]? = nil, of classifier: any Classifier, threat: Threat,
    control: () throws -> Void
  ) rethrows -> Outcome {
    let targets = LossTargets(labels: examples.labels, targetClasses: targetClasses, ids: examples.ids)
    if threat.norm == .l1 {
      return try SparseAPGD(steps: steps, keep: keep, loss: loss)
        .search(examples, from: streams, targets, of: classifier, threat: threat, control: control)
    }
    let start = examples.starts ?? threat.edgePoints(around: examples.images, from: streams)
    var active = ActiveSet(examples, at: start, state: APGDState(at: start, stepSize: Float(2 * threat.epsilon)), targets: targets)
    var checkpoints = APGDCheckpoints(steps: steps)
    for step in 0..<steps {
      try control()
      let logits: Tensor
      (active.state.losses, logits) = classifier.inputGradient(
        at: active.iterates, targets: active.targets, loss: loss, gradient: &active.state.gradient)
      if keep == .firstMisclassified { active.release(by: logits) }
      if active.isEmpty { break }
      active.state.keepBest(active.iterates)
      if step > 0 { active.state.countRises() }
      if let interval = checkpoints.interval(endingAt: step) {
        active.state.halveSteps(after: interval, rho: rho, restoring: &active.iterates)
      }
      active.state.ascend(&active.iterates, momentum: step == 0 ? 0 : 0.25, around: active.clean, threat)
    }
    if !active.isEmpty {
      try control()
      look(at: &active, of: classifier)
    }
    active.iterates = active.state.best
    return Outcome(images: active.finished(), remaining: active.rows, losses: active.state.highestLosses)
  }

  /// Looks at where the last step led.
  private func look(at active: inout ActiveSet<APGDState>, of classifier: any Classifier) {
    let logits = classifier.logits(of: active.iterates, ids: active.ids)
    var slope = Tensor(zeros: logits.shape)
    active.state.losses = loss(logits, targets: active.targets, gradient: &slope)
    if keep == .firstMisclassified { active.release(by: logits) }
    active.state.keepBest(active.iterates)
  }
}

extension Threat {
  /// Noise around `clean` that is scaled to the norm epsilon, uniform in the cube for L∞ and normal for L2, brought into the box.
  fileprivate func edgePoints(around clean: Tensor, from streams: [RandomStream]) -> Tensor {
    var noise = Tensor(zeros: clean.shape)
    for (row, var stream) in streams.enumerated() {
      switch norm {
      case .linf:
        let shifts = stream.uniforms(-1, 1, count: clean.stride)
        let largest = shifts.reduce(0) { max($0, abs($1)) }
        noise[example: row] = shifts.map { largest > 0 ? $0 / largest : 0 }[...]
      case .l2, .l1: noise[example: row] = (0..<clean.stride).map { _ in stream.normal() }[...]
      }
    }
    if norm == .l2 { noise.normaliseExamples() }
    var points = clean
    points.add(Float(epsilon), times: noise)
    project(&points, around: clean)
    return points
  }
}
