import JSON
import TensorEngine

extension AttackDefinition {
  package static let deepfool = AttackDefinition(
    name: "deepfool",
    summary: "Step by step onto the nearest boundary of the linearised network (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599).",
    fields: [
      .steps(default: 50),
      Field(
        "overshoot", .number(0...10), default: 0.02,
        help: "By which part of their length the steps together go beyond the boundary.", label: .named),
      Field(
        "targets", .integer(1...1_000), default: 9,
        help: "The classes whose boundaries it looks at, those of the highest outputs on the clean image.", label: .named),
    ],
    goal: .minimalDistance, norms: [.linf, .l2], strength: 18, budget: ["steps", "targets"]
  ) { settings, _, _ in
    DeepFool(
      steps: settings.steps, overshoot: settings["overshoot"]?.double ?? 0.02, targets: settings["targets"]?.integer ?? 9)
  }
}

/// DeepFool (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599): each step goes onto the nearest of the boundaries between the true class and
/// others, were the network linear; all steps together are drawn out by an overshoot.
package struct DeepFool: Attack {
  package var steps: Int
  package var overshoot: Double
  package var targets: Int

  /// Added to the length of each step, so that rounding does not leave it short of the boundary.
  private static let slack = 1e-4

  package init(steps: Int = 50, overshoot: Double = 0.02, targets: Int = 9) {
    self.steps = steps
    self.overshoot = overshoot
    self.targets = targets
  }

  package var cost: AttackCost { AttackCost(gradientEvaluations: steps * targets, forwardPasses: 1) }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    try control()
    let ranked = classifier.logits(of: examples.images, ids: examples.ids).otherClasses(than: examples.labels, atMost: targets)
    var active = ActiveSet(examples, at: examples.images, state: Course(shape: examples.images.shape, ranked: ranked))
    for _ in 0..<steps {
      for rank in 0..<min(targets, classifier.classes - 1) where !active.isEmpty {
        try control()
        look(&active, rank, classifier, threat.norm)
      }
      if active.isEmpty { break }
      active.iterates = active.clean
      active.state.advance(slack: Self.slack, threat)
      active.iterates.add(Float(1 + overshoot), times: active.state.total)
      active.iterates.clamp(to: Threat.box)
    }
    return active.finished()
  }

  /// Looks at the boundary to one class. The first look of a step also tells who is misclassified by now, and has arrived.
  private func look(_ active: inout ActiveSet<Course>, _ rank: Int, _ classifier: any Classifier, _ norm: Norm) {
    let targets = active.targets.aimed(at: active.state.ranked.map { $0[rank] })
    let (differences, logits) = classifier.inputGradient(
      at: active.iterates, targets: targets, loss: LogitDifference(), gradient: &active.state.gradient)
    active.state.consider(differences, norm)
    if rank == 0 { active.release(by: logits) }
  }
}

/// What DeepFool remembers of each example.
private struct Course: PerExample {
  /// The classes whose boundaries are looked at.
  var ranked: [[Int]]
  /// At the present iterate, for the class looked at.
  var gradient: Tensor
  /// Of the nearest boundary in the present step.
  private var nearest: Tensor
  private var distances: [Double]
  /// The sum of all steps, before the overshoot.
  private(set) var total: Tensor

  init(shape: Shape, ranked: [[Int]]) {
    self.ranked = ranked
    gradient = Tensor(zeros: shape)
    nearest = gradient
    total = gradient
    distances = [Double](repeating: .infinity, count: ranked.count)
  }

  func gathered(_ rows: [Int]) -> Course {
    var gathered = self
    gathered.ranked = ranked.gathered(rows)
    gathered.gradient = gradient.gathered(rows)
    gathered.nearest = nearest.gathered(rows)
    gathered.distances = distances.gathered(rows)
    gathered.total = total.gathered(rows)
    return gathered
  }

  /// Keeps the boundary looked at where it is nearer than those before: |z_t − z_y| over the gradient's dual norm.
  mutating func consider(_ differences: [Float], _ norm: Norm) {
    for row in distances.indices {
      let slopes = gradient[example: row]
      let length =
        norm == .linf ? slopes.reduce(0.0) { $0 + Double(abs($1)) } : slopes.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let distance = Double(abs(differences[row])) / length
      // A gradient that is zero or not finite points to no boundary.
      guard length > 0, length.isFinite, distance < distances[row] else { continue }
      distances[row] = distance
      nearest[example: row] = slopes
    }
  }

  /// Adds the step onto the nearest boundary, and forgets that.
  mutating func advance(slack: Double, _ threat: Threat) {
    threat.direct(&nearest)
    for row in distances.indices where distances[row].isFinite {
      // Beyond this every pixel is at the edge of the box.
      let length = Float(min(distances[row] + slack, 1e30))
      for index in row * total.stride..<(row + 1) * total.stride { total.values[index] += length * nearest.values[index] }
      distances[row] = .infinity
    }
  }
}
