import TensorEngine

/// Auto-PGD in L1 (Croce and Hein 2021, arXiv:2103.01208, algorithm 2): steps into few pixels, and three stages in balls that shrink to
/// epsilon, since in L1 the way along the surface of the ball is long. Where the points become sparser, so do the steps.
///
/// The details are those of the authors' code.
struct SparseAPGD {
  var steps: Int
  var keep: Keep
  var loss: any Loss

  /// The balls' radii in epsilon; the last is the threat's own.
  private static let radii = [3.0, 2, 1]
  static let stageCount = radii.count

  /// The iterations of each stage: three tenths, three tenths, and the rest.
  private var iterations: [Int] {
    let first = (3 * steps + 9) / 10
    let second = min(first, steps - first)
    return [first, second, steps - first - second]
  }

  /// - Parameter streams: the random numbers of each example's start, which is Gaussian noise of deviation 1, projected.
  func search(
    _ examples: Examples, from streams: [RandomStream], _ targets: LossTargets, of classifier: any Classifier, threat: Threat,
    control: () throws -> Void
  ) rethrows -> APGD.Outcome {
    let start = examples.starts ?? noise(around: examples.images, from: streams)
    var active = ActiveSet(examples, at: start, state: SparseState(at: start), targets: targets)
    for (stage, count) in iterations.enumerated() where !active.isEmpty {
      let ball = Threat(norm: .l1, epsilon: Self.radii[stage] * threat.epsilon)
      ball.project(&active.iterates, around: active.clean)
      active.state.begin(at: active.iterates, around: active.clean, epsilon: ball.epsilon)
      try run(count, &active, in: ball, mayRelease: stage == Self.stageCount - 1 && keep == .firstMisclassified, classifier, control)
      active.iterates = active.state.best
    }
    return APGD.Outcome(images: active.finished(), remaining: active.rows, losses: active.state.highest)
  }

  private func noise(around clean: Tensor, from streams: [RandomStream]) -> Tensor {
    var points = clean
    for (row, var stream) in streams.enumerated() { points[example: row] = clean[example: row].map { $0 + stream.normal() }[...] }
    return points
  }

  /// One stage.
  private func run(
    _ count: Int, _ active: inout ActiveSet<SparseState>, in ball: Threat, mayRelease: Bool, _ classifier: any Classifier,
    _ control: () throws -> Void
  ) rethrows {
    // After so many steps it looks at how sparse the best points are.
    let interval = max(count / 25, 1)
    for step in 0..<count {
      try control()
      let logits: Tensor
      (active.state.losses, logits) = classifier.inputGradient(
        at: active.iterates, targets: active.targets, loss: loss, gradient: &active.state.gradient)
      if mayRelease { active.release(by: logits) }
      if active.isEmpty { return }
      active.state.keepBest(active.iterates)
      if step > 0, step.isMultiple(of: interval) {
        active.state.adapt(around: active.clean, epsilon: ball.epsilon, restoring: &active.iterates)
      }
      active.state.ascend(&active.iterates, around: active.clean, ball)
    }
    try control()
    look(at: &active, mayRelease: mayRelease, classifier)
  }

  /// Looks at where the last step led.
  private func look(at active: inout ActiveSet<SparseState>, mayRelease: Bool, _ classifier: any Classifier) {
    let logits = classifier.logits(of: active.iterates, ids: active.ids)
    var slope = Tensor(zeros: logits.shape)
    active.state.losses = loss(logits, targets: active.targets, gradient: &slope)
    if mayRelease { active.release(by: logits) }
    active.state.keepBest(active.iterates)
  }
}

/// What Auto-PGD in L1 remembers of each example.
private struct SparseState: PerExample {
  /// At the present iterate.
  var gradient: Tensor
  /// At the present iterate.
  var losses: [Float]
  /// The iterate of the stage's highest loss, and the gradient there.
  private(set) var best: Tensor
  private var bestGradient: Tensor
  private(set) var highest: [Float]
  private var stepSizes: [Double]
  /// How many pixels the best point had changed when that was last looked at.
  private var changed: [Int]

  /// A step moves two thirds as many pixels as the best point has changed.
  private static let widening: Float = 1.5
  /// By which a step is shortened where the best point has not become sparser, and to which part of the ball at most.
  private static let shortening = 1.5
  private static let shortest = 0.1
  /// What a point must have lost of its changed pixels to count as sparser.
  private static let sparser = 0.95

  init(at start: Tensor) {
    gradient = Tensor(zeros: start.shape)
    losses = [Float](repeating: 0, count: start.batch)
    best = start
    bestGradient = gradient
    highest = [Float](repeating: -.infinity, count: start.batch)
    stepSizes = [Double](repeating: 0, count: start.batch)
    changed = [Int](repeating: 0, count: start.batch)
  }

  func gathered(_ rows: [Int]) -> SparseState {
    var gathered = self
    gathered.gradient = gradient.gathered(rows)
    gathered.losses = losses.gathered(rows)
    gathered.best = best.gathered(rows)
    gathered.bestGradient = bestGradient.gathered(rows)
    gathered.highest = highest.gathered(rows)
    gathered.stepSizes = stepSizes.gathered(rows)
    gathered.changed = changed.gathered(rows)
    return gathered
  }

  /// Begins a stage: losses in the larger ball before count no more.
  mutating func begin(at iterates: Tensor, around clean: Tensor, epsilon: Double) {
    best = iterates
    for row in highest.indices {
      highest[row] = -.infinity
      stepSizes[row] = epsilon
      changed[row] = Self.changes(of: iterates, from: clean, row)
    }
  }

  private static func changes(of images: Tensor, from clean: Tensor, _ row: Int) -> Int {
    zip(images[example: row], clean[example: row]).count { $0 != $1 }
  }

  /// Keeps the iterates whose loss is the stage's highest so far. A loss that is NaN never is.
  mutating func keepBest(_ iterates: Tensor) {
    for row in highest.indices where losses[row] > highest[row] {
      highest[row] = losses[row]
      best[example: row] = iterates[example: row]
      bestGradient[example: row] = gradient[example: row]
    }
  }

  /// An example whose best point has become sparser goes on from there by steps of the ball's radius, any other by shorter ones.
  mutating func adapt(around clean: Tensor, epsilon: Double, restoring iterates: inout Tensor) {
    for row in highest.indices {
      let present = Self.changes(of: best, from: clean, row)
      if Double(present) < Self.sparser * Double(changed[row]) {
        stepSizes[row] = epsilon
        iterates[example: row] = best[example: row]
        gradient[example: row] = bestGradient[example: row]
      } else {
        stepSizes[row] = max(stepSizes[row] / Self.shortening, Self.shortest * epsilon)
      }
      changed[row] = present
    }
  }

  /// One step into the pixels of the largest gradients, the same way in each, projected.
  mutating func ascend(_ iterates: inout Tensor, around clean: Tensor, _ ball: Threat) {
    let count = clean.stride
    for row in highest.indices {
      let magnitudes = gradient[example: row].map { $0.isNaN ? 0 : abs($0) }
      // In Float, whose rounding decides where the product is a whole number.
      let share = Float(changed[row]) / Float(count) / Self.widening
      let rank = min(max(Int((1 - share) * Float(count)), 0), count - 1)
      let least = max(magnitudes.sorted()[rank], .leastNonzeroMagnitude)
      let moved = magnitudes.count { $0 >= least }
      let size = Float(stepSizes[row] / Double(max(moved, 1)))
      for (pixel, magnitude) in magnitudes.enumerated() where magnitude >= least {
        let index = row * count + pixel
        iterates.values[index] += gradient.values[index] < 0 ? -size : size
      }
    }
    ball.project(&iterates, around: clean)
  }
}
