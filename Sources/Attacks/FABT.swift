import JSON
import TensorEngine

extension AttackDefinition {
  package static let fabT = AttackDefinition(
    name: "fab_t",
    summary:
      "Steps onto the linearised boundary to each of several classes, drawn back to the image (Croce and Hein 2020, arXiv:1907.02044).",
    fields: [
      .steps(default: 100, help: "Steps towards each class."),
      Field(
        "targets", .integer(1...1_000), default: 9,
        help: "The classes aimed at, those of the highest outputs on the clean image; all others where there are no more.", label: .named),
    ],
    strength: 46, support: .alone, budget: ["steps", "targets"]
  ) { settings, _, _ in FABT(targets: settings["targets"]?.integer ?? 9, steps: settings.steps) }
}

/// The targeted Fast Adaptive Boundary attack (Croce and Hein 2020, arXiv:1907.02044), with the numbers of AutoAttack and no random start.
package struct FABT: Attack {
  package var targets: Int
  /// Towards each class.
  package var steps: Int
  /// Whether it ends with the first misclassified image within epsilon, or looks for the nearest one to the end, wherever that lies.
  package var goal: AttackDefinition.Goal

  /// The most that a step is drawn to the clean image's own projection.
  private static let pull = 0.1
  /// How far it steps, 1 being onto the boundary.
  private static let overshoot = 1.05
  /// What a misclassified iterate keeps of its distance from the clean image.
  private static let backstep: Float = 0.9

  package init(targets: Int = 9, steps: Int = 100, goal: AttackDefinition.Goal = .bounded) {
    self.targets = targets
    self.steps = steps
    self.goal = goal
  }

  package var cost: AttackCost {
    AttackCost(gradientEvaluations: targets * steps, forwardPasses: targets * steps + 1)
  }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    try control()
    let ranked = classifier.logits(of: examples.images, ids: examples.ids).otherClasses(than: examples.labels, atMost: targets)
    var active = ActiveSet(examples, at: examples.images, state: Search(nearest: examples.images, ranked: ranked))
    for rank in 0..<min(targets, classifier.classes - 1) {
      active.iterates = active.clean
      for _ in 0..<steps where !active.isEmpty {
        try control()
        step(&active, rank, classifier, threat)
        judge(&active, classifier.logits(of: active.iterates, ids: active.ids).predictions(), threat)
      }
    }
    active.iterates = active.state.nearest
    return active.finished()
  }

  /// `x = (1 − α)·(x + η·d(x)) + α·(x₀ + η·d(x₀))`, where d is the way to the boundary's linear approximation at x.
  private func step(_ active: inout ActiveSet<Search>, _ rank: Int, _ classifier: any Classifier, _ threat: Threat) {
    let targets = active.targets.aimed(at: active.state.ranked.map { $0[rank] })
    let (differences, _) = classifier.inputGradient(
      at: active.iterates, targets: targets, loss: LogitDifference(), gradient: &active.state.gradient)
    switch threat.norm {
    case .linf, .l2:
      BoundaryStep(isByWeight: threat.norm == .l2, within: Threat.box, overshoot: Self.overshoot, pull: Self.pull)
        .move(&active.iterates, around: active.clean, ontoPlanes: active.state.gradient, values: differences)
    case .l1: sparseStep(&active, differences)
    }
  }

  /// The same in L1.
  private func sparseStep(_ active: inout ActiveSet<Search>, _ differences: [Float]) {
    for row in 0..<active.count {
      let boundary = SparseBoundary(normal: active.state.gradient[example: row], value: differences[row], at: active.iterates[example: row])
      let near = boundary.way(from: active.iterates[example: row])
      let own = boundary.way(from: active.clean[example: row])
      let (far, back) = (max(near.length, 1e-8), max(own.length, 1e-8))
      let alpha = min(far / (far + back), Self.pull)
      active.iterates.edit(row, beside: active.clean) { clean, image in
        for index in image.indices {
          let ahead = Double(image[index]) + Self.overshoot * near.steps[index]
          let straight = Double(clean[index]) + Self.overshoot * own.steps[index]
          image[index] = Float((1 - alpha) * ahead + alpha * straight)
        }
      }
    }
    active.iterates.clamp(to: Threat.box)
  }

  /// Remembers the nearest misclassified iterates, and goes back from them towards the clean image, or ends with them.
  private func judge(_ active: inout ActiveSet<Search>, _ predicted: [Int], _ threat: Threat) {
    let distances = threat.distances(of: active.iterates, from: active.clean)
    let most = goal == .bounded ? threat.epsilon : .infinity
    var leaving: [Int] = []
    for row in 0..<active.count where predicted[row] != active.targets.labels[row] {
      if distances[row] <= most, distances[row] < active.state.distances[row] {
        active.state.distances[row] = distances[row]
        active.state.nearest[example: row] = active.iterates[example: row]
        if goal == .bounded { leaving.append(row) }
      }
      active.iterates.edit(row, beside: active.clean) { clean, image in
        for index in image.indices { image[index] = clean[index] + (image[index] - clean[index]) * Self.backstep }
      }
    }
    for row in leaving { active.iterates[example: row] = active.state.nearest[example: row] }
    active.release(leaving)
  }
}

private struct Search: PerExample {
  /// The nearest misclassified image, the clean one as long as there is none.
  var nearest: Tensor
  var distances: [Double]
  /// The classes that are aimed at one after the other.
  var ranked: [[Int]]
  var gradient: Tensor

  init(nearest: Tensor, ranked: [[Int]]) {
    self.init(
      nearest: nearest, distances: [Double](repeating: .infinity, count: nearest.batch), ranked: ranked,
      gradient: Tensor(zeros: nearest.shape))
  }

  private init(nearest: Tensor, distances: [Double], ranked: [[Int]], gradient: Tensor) {
    self.nearest = nearest
    self.distances = distances
    self.ranked = ranked
    self.gradient = gradient
  }

  func gathered(_ rows: [Int]) -> Search {
    Search(
      nearest: nearest.gathered(rows), distances: distances.gathered(rows), ranked: ranked.gathered(rows),
      gradient: gradient.gathered(rows))
  }
}
