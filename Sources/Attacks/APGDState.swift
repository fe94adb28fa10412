import TensorEngine

/// What Auto-PGD remembers of each example.
struct APGDState: PerExample {
  /// At the present iterate.
  var gradient: Tensor
  /// At the present iterate.
  var losses: [Float]
  /// The iterate of the highest loss, and the gradient there.
  private(set) var best: Tensor
  private var bestGradient: Tensor
  /// The iterate before the present one.
  private var previous: Tensor
  private var courses: [Course]

  /// How an example's loss has gone.
  private struct Course {
    var stepSize: Float
    var highest = -Float.infinity
    /// The loss that the next is compared with. The authors' code compares that of the first step with 0, whatever it was at the start.
    var last: Float = 0
    /// The steps since the last checkpoint that raised the loss.
    var rises = 0
    /// The highest loss as it was at the last checkpoint.
    var highestThen = -Float.infinity
    /// Whether the last checkpoint halved the step. Before the first one it counts as halved.
    var wasHalved = true
  }

  init(at start: Tensor, stepSize: Float) {
    gradient = Tensor(zeros: start.shape)
    losses = [Float](repeating: 0, count: start.batch)
    best = start
    bestGradient = gradient
    previous = start
    courses = [Course](repeating: Course(stepSize: stepSize), count: start.batch)
  }

  func gathered(_ rows: [Int]) -> APGDState {
    var gathered = self
    gathered.gradient = gradient.gathered(rows)
    gathered.losses = losses.gathered(rows)
    gathered.best = best.gathered(rows)
    gathered.bestGradient = bestGradient.gathered(rows)
    gathered.previous = previous.gathered(rows)
    gathered.courses = courses.gathered(rows)
    return gathered
  }

  var highestLosses: [Float] { courses.map(\.highest) }

  /// Keeps the iterates whose loss is the highest so far. A loss that is NaN never is.
  mutating func keepBest(_ iterates: Tensor) {
    for row in courses.indices where losses[row] > courses[row].highest {
      courses[row].highest = losses[row]
      best[example: row] = iterates[example: row]
      bestGradient[example: row] = gradient[example: row]
    }
  }

  mutating func countRises() {
    for row in courses.indices {
      if losses[row] > courses[row].last { courses[row].rises += 1 }
      courses[row].last = losses[row]
    }
  }

  /// A checkpoint after `interval` steps: an example whose loss rose in at most ρ of them, or whose step was not halved at the last
  /// checkpoint and whose highest loss is the same as there, goes on from its best point by half the step.
  mutating func halveSteps(after interval: Int, rho: Double, restoring iterates: inout Tensor) {
    for row in courses.indices {
      let course = courses[row]
      let hasStalled = !course.wasHalved && course.highestThen >= course.highest
      courses[row].wasHalved = Double(course.rises) <= rho * Double(interval) || hasStalled
      courses[row].highestThen = course.highest
      courses[row].rises = 0
      guard courses[row].wasHalved else { continue }
      courses[row].stepSize /= 2
      iterates[example: row] = best[example: row]
      gradient[example: row] = bestGradient[example: row]
    }
  }

  /// One step, and the share `momentum` of it from the step before:
  /// `x += (1 − momentum) · (project(x + stepSize · direct(gradient)) − x) + momentum · (x − previous)`, projected again.
  ///
  /// The gradient is used up.
  mutating func ascend(_ iterates: inout Tensor, momentum: Float, around clean: Tensor, _ threat: Threat) {
    threat.direct(&gradient)
    gradient.scale(by: courses.map(\.stepSize), andAdd: iterates)
    threat.project(&gradient, around: clean)
    iterates.mix(1 - momentum, towards: gradient, and: momentum, from: &previous)
    threat.project(&iterates, around: clean)
  }
}

extension Tensor {
  /// `self = factor · self + other`, a factor an example.
  fileprivate mutating func scale(by factors: [Float], andAdd other: Tensor) {
    let stride = stride
    values.withUnsafeMutableBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        for (row, factor) in factors.enumerated() {
          for index in row * stride..<(row + 1) * stride { x[index] = factor * x[index] + y[index] }
        }
      }
    }
  }

  /// `self += ahead · (target − self) + behind · (self − previous)`, and what `self` was becomes `previous`.
  fileprivate mutating func mix(_ ahead: Float, towards target: Tensor, and behind: Float, from previous: inout Tensor) {
    values.withUnsafeMutableBufferPointer { x in
      target.values.withUnsafeBufferPointer { t in
        previous.values.withUnsafeMutableBufferPointer { p in
          for index in 0..<x.count {
            let here = x[index]
            x[index] = here + ahead * (t[index] - here) + behind * (here - p[index])
            p[index] = here
          }
        }
      }
    }
  }
}
