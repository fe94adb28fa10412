/// The penalty on loose bounds and on unbalanced ReLUs while ε rises (Shi et al. 2021, arXiv:2103.17184, section 3.3): the mean over the
/// ReLUs of the network of
///
///     relu(τ − r₀ / r) / τ  +  (relu(τ − balance of means) + relu(τ − balance of variances)) / τ,      τ = ½,
///
/// where r₀ and r are the mean radius of the input and at the ReLU, over the whole batch; the balance of means is that of the active (c − r > 0)
/// and inactive (c + r < 0) centres' sums, min(q, 1/q) of q = Σ active c / −Σ inactive c; that of variances the same of Σ (c − mean)².
///
/// It has no value of its own. It leaves the penalty and its slopes where each ReLU finds them in the backward pass: see `ClampedInterval`.
struct BoundRegularizer: Operation {
  let label = "bound regularizer"
  private static let tolerance = 0.5
  /// The share of any quotient whose reciprocal is taken, as in the authors' code.
  private static let least = 1e-12

  /// Of one layer and one shard, in double precision.
  private enum Sum: Int, CaseIterable {
    case count, radius, centre, active, activeSquares, activeCount, inactive, inactiveSquares, inactiveCount
  }

  /// Inputs: centre and radius of the first box, and of each ReLU's input.
  func outputShape(of inputs: [Shape]) throws -> Shape { [1] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let inputs = lowering.graph[node].inputs
    let layers = inputs.count / 2
    let values = inputs.map { lowering.value($0) }
    let strides = inputs.map { lowering.shape($0).count }
    let sums = Sum.allCases.count
    // One number more: the weight, which a reduction cannot know otherwise.
    let partial = lowering.makeBuffer(bytes: (layers * sums + 1) * MemoryLayout<Double>.size)
    lowering.emit(label, reads: values, writes: [partial]) { memory, pass in
      let weight = pass.bounds?.regularization ?? 0
      let all = Self.doubles(memory[partial])
      all.update(repeating: 0, count: layers * sums + 1)
      all[layers * sums] = Double(weight)
      guard weight > 0 else { return }
      for layer in 0..<layers {
        Self.sum(
          memory[values[2 * layer]], memory[values[2 * layer + 1]], count: pass.batch * strides[2 * layer], to: all + layer * sums)
      }
    }
    let penalty = lowering.makeShared(bytes: (1 + (layers - 1) * Slope.count) * MemoryLayout<Float>.size)
    lowering.emit(
      label,
      Lowering.Reduction(partial: partial, operands: [penalty], extent: 1) { partials, memory, _ in
        let total = Self.doubles(partials[0].pointer)
        let weight = total[layers * sums]
        for other in partials.dropFirst() {
          let other = Self.doubles(other.pointer)
          for i in 0..<layers * sums { total[i] += other[i] }
        }
        Self.combine(total, layers: layers, weight: weight, to: memory[penalty])
      })
    lowering.penalty = penalty
  }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {}

  private static func doubles(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
  }

  private static func sum(
    _ centre: UnsafePointer<Float>, _ radius: UnsafePointer<Float>, count: Int, to sums: UnsafeMutablePointer<Double>
  ) {
    var (radii, centres) = (0.0, 0.0)
    var (active, activeSquares, activeCount) = (0.0, 0.0, 0.0)
    var (inactive, inactiveSquares, inactiveCount) = (0.0, 0.0, 0.0)
    for i in 0..<count {
      let (c, r) = (Double(centre[i]), Double(radius[i]))
      radii += r
      centres += c
      let isActive = centre[i] - radius[i] > 0 ? 1.0 : 0.0
      let isInactive = centre[i] + radius[i] < 0 ? 1.0 : 0.0
      active += isActive * c
      activeSquares += isActive * c * c
      activeCount += isActive
      inactive += isInactive * c
      inactiveSquares += isInactive * c * c
      inactiveCount += isInactive
    }
    let all: [(Sum, Double)] = [
      (.count, Double(count)), (.radius, radii), (.centre, centres), (.active, active), (.activeSquares, activeSquares),
      (.activeCount, activeCount), (.inactive, inactive), (.inactiveSquares, inactiveSquares), (.inactiveCount, inactiveCount),
    ]
    for (place, value) in all { sums[place.rawValue] = value }
  }

  // MARK: The penalty

  /// - Parameter result: the penalty, then the slope of each layer.
  private static func combine(
    _ totals: UnsafeMutablePointer<Double>, layers: Int, weight: Double, to result: UnsafeMutablePointer<Float>
  ) {
    result.update(repeating: 0, count: 1 + (layers - 1) * Slope.count)
    guard weight > 0 else { return }
    let share = weight / Double(layers - 1)
    let first = Totals(totals)
    var penalty = 0.0
    for layer in 1..<layers {
      let own = Totals(totals + layer * Sum.allCases.count)
      let slope = result + 1 + (layer - 1) * Slope.count
      penalty += share * (tightness(own, first, share, slope) + balance(own, share, slope))
    }
    result[0] = Float(penalty)
  }

  private struct Totals {
    private let sums: UnsafeMutablePointer<Double>
    init(_ sums: UnsafeMutablePointer<Double>) { self.sums = sums }
    subscript(sum: Sum) -> Double { sums[sum.rawValue] }
    var mean: Double { self[.centre] / self[.count] }
    var meanRadius: Double { self[.radius] / self[.count] }
    var activeVariance: Double { Self.squares(self[.activeSquares], self[.active], self[.activeCount], about: mean) }
    var inactiveVariance: Double { Self.squares(self[.inactiveSquares], self[.inactive], self[.inactiveCount], about: mean) }

    /// Σ (c − m)² of values with these sums.
    private static func squares(_ squares: Double, _ sum: Double, _ count: Double, about mean: Double) -> Double {
      max(squares - 2 * mean * sum + count * mean * mean, 0)
    }
  }

  private static func tightness(_ own: Totals, _ first: Totals, _ share: Double, _ slope: UnsafeMutablePointer<Float>) -> Double {
    let radius = max(own.meanRadius, least)
    let gap = tolerance - first.meanRadius / radius
    guard gap > 0 else { return 0 }
    if own.meanRadius > least {
      slope[Slope.Part.radius.rawValue] = Float(share / tolerance * first.meanRadius / (radius * radius) / own[.count])
    }
    return gap / tolerance
  }

  private static func balance(_ own: Totals, _ share: Double, _ slope: UnsafeMutablePointer<Float>) -> Double {
    // Without an inactive or an active centre the authors' code gives no number, or one without a slope.
    guard own[.inactive] < 0, own.inactiveVariance > 0, own[.active] > 0, own.activeVariance > 0 else {
      return own[.inactive] < 0 && own.inactiveVariance > 0 ? 2 : 0
    }
    let (means, means1) = quotient(own[.active] / -own[.inactive])
    let (variances, variances1) = quotient(own.activeVariance / own.inactiveVariance)
    slope[Slope.Part.mean.rawValue] = Float(own.mean)
    // q = A / −I: dq/dA = q / A, dq/dI = −q / I, for each active and each inactive centre.
    var (active, inactive) = (means1 / own[.active], -means1 / own[.inactive])
    // Of the squares about the mean too: each is 2 (c − m), and all centres move the mean.
    let (ofActive, ofInactive) = (variances1 / own.activeVariance, -variances1 / own.inactiveVariance)
    let m = own.mean
    let all =
      -2 / own[.count] * (ofActive * (own[.active] - own[.activeCount] * m) + ofInactive * (own[.inactive] - own[.inactiveCount] * m))
    active *= share
    inactive *= share
    slope[Slope.Part.centre.rawValue] = Float(share * all)
    slope[Slope.Part.active.rawValue] = Float(active)
    slope[Slope.Part.activeDistance.rawValue] = Float(2 * share * ofActive)
    slope[Slope.Part.inactive.rawValue] = Float(inactive)
    slope[Slope.Part.inactiveDistance.rawValue] = Float(2 * share * ofInactive)
    return means + variances
  }

  /// relu(τ − min(q, 1/q)) / τ, and q times its derivative.
  private static func quotient(_ q: Double) -> (value: Double, slope: Double) {
    let balance = min(q, 1 / max(q, least))
    guard balance < tolerance else { return (0, 0) }
    return ((tolerance - balance) / tolerance, (q < 1 ? -q : 1 / q) / tolerance)
  }

  // MARK: Its slopes

  /// How the penalty changes with each centre and each radius at the input of one ReLU.
  struct Slope {
    enum Part: Int, CaseIterable { case mean, radius, centre, active, activeDistance, inactive, inactiveDistance }
    static let count = Part.allCases.count
    private let parts: UnsafePointer<Float>

    /// - Parameter penalty: what the regulariser left.
    init(_ penalty: UnsafePointer<Float>, layer: Int) { parts = penalty + 1 + layer * Self.count }

    /// Adds it to the gradients of the first `count` values.
    func add(
      _ centre: UnsafePointer<Float>, _ radius: UnsafePointer<Float>, count: Int, toCentre: UnsafeMutablePointer<Float>,
      toRadius: UnsafeMutablePointer<Float>
    ) {
      func part(_ part: Part) -> Float { parts[part.rawValue] }
      let (mean, ofRadius, ofCentre) = (part(.mean), part(.radius), part(.centre))
      let (active, activeDistance) = (part(.active), part(.activeDistance))
      let (inactive, inactiveDistance) = (part(.inactive), part(.inactiveDistance))
      for i in 0..<count {
        let (c, r) = (centre[i], radius[i])
        let distance = c - mean
        let ofActive = c - r > 0 ? active + activeDistance * distance : 0
        let ofInactive = c + r < 0 ? inactive + inactiveDistance * distance : 0
        toCentre[i] += ofCentre + ofActive + ofInactive
        toRadius[i] += ofRadius
      }
    }
  }
}
