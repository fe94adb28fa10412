import Attacks
import TensorEngine

/// Runs the rechecks of an evaluation within a tenth of the passes that the evaluation itself made.
struct Rechecks {
  /// The most examples that one looks at.
  static let sampleLimit = 100

  let settings: EvaluationSettings
  let total: Int
  /// The examples that withstood every attack, in an order drawn by the seed.
  private let standing: [Int]
  /// Passes that may still be made. A gradient counts as two.
  private var budget: Int

  /// - Parameters:
  ///   - robust: for each example, whether it withstood every attack.
  ///   - spent: by the evaluation.
  init(_ settings: EvaluationSettings, robust: [Bool], spent: AttackCost) {
    self.settings = settings
    total = robust.count
    var stream = RandomStream(seed: settings.seed, purpose: .sample, epoch: 1)
    standing = robust.indices.filter { robust[$0] }.shuffled(using: &stream)
    budget = Int(Double(spent.passes) * settings.recheckShare)
  }

  /// Runs one after the other, each with an equal part of the passes that are left.
  ///
  /// - Parameter run: runs an attack on the examples at the positions that are true.
  mutating func run(
    _ threat: Threat, input: Shape, _ run: (Recheck, _ chosen: [Bool]) throws -> AttackTrial
  ) rethrows -> (results: [Recheck.Purpose: RecheckResult], spent: AttackCost) {
    var (results, spent) = ([Recheck.Purpose: RecheckResult](), AttackCost())
    guard budget > 0 else { return (results, spent) }
    let planned = Recheck.all(of: settings, threat, input: input)
    for (number, recheck) in planned.enumerated() {
      let sample = standing.prefix(min(Self.sampleLimit, budget / (planned.count - number) / recheck.passes))
      guard !sample.isEmpty else { continue }
      var chosen = [Bool](repeating: false, count: total)
      for position in sample { chosen[position] = true }
      let trial = try run(recheck, chosen)
      results[recheck.purpose] = RecheckResult(
        sample: sample.count, fallen: sample.count { !trial.withstood[$0] }, standing: standing.count, total: total)
      spent += trial.cost
      budget -= trial.cost.passes
    }
    return (results, spent)
  }
}
