import Attacks
import Foundation
import JSON
import Robustness
import TensorEngine

/// The attacks of an evaluation whose spec names none: the most thorough list whose work fits into `evaluation.budget_seconds`.
///
/// It is chosen once, at submission, from the number of operations alone, so that the same spec gives the same attacks on every machine.
struct DefaultEvaluation {
  let attacks: [AttackSettings]
  /// Why these, in a sentence.
  let reason: String

  /// From the most thorough on. The last carries a verdict too, and is taken whatever it takes.
  static let candidates = [[AttackSettings(.autoattack)], EvaluationSettings.standardAttacks]

  /// Such that a small network on a thousand images gets the thorough list: an evaluation is to add minutes to a job and not hours.
  static let usualBudget = 120.0

  init(_ spec: JobSpec, _ facts: DatasetFacts, _ graph: Graph) {
    let budget = spec.evaluation.budgetSeconds
    let costs = Self.candidates.map { EvaluationCost(spec, facts, attacks: $0.map { $0.completed(forRandomised: graph.isRandomised) }) }
    let seconds = costs.map { AssumedSpeed.seconds($0, of: graph) }
    let chosen = seconds.firstIndex { $0 <= budget } ?? seconds.count - 1
    attacks = Self.candidates[chosen]
    let names = Self.candidates.map { $0.map(\.name).joined(separator: " and ") }
    let first =
      "\(names[0]) takes at most \(Self.rounded(costs[0].passes)) passes of single examples, \(Self.rounded(seconds[0])) s at the speed assumed"
    reason =
      chosen == 0
      ? "\(first), which is within budget_seconds (\(Self.rounded(budget)))."
      : "\(first), and budget_seconds is \(Self.rounded(budget)): hence \(names[chosen]), about \(Self.rounded(seconds[chosen])) s."
  }

  /// To two digits, for a reader.
  private static func rounded(_ number: Double) -> String {
    guard number > 0, number.isFinite else { return "0" }
    let unit = pow(10, floor(log10(number)) - 1)
    let rounded = (number / unit).rounded() * unit
    return rounded >= 10 ? rounded.formatted(.number.precision(.fractionLength(0)).locale(Locale(identifier: "en_US"))) : "\(rounded)"
  }
}

/// How fast evaluations are taken to be. It is no promise: it makes seconds of work in the same way everywhere.
enum AssumedSpeed {
  /// Operations of the network a second: what two cores with AVX2 reach on a small network.
  private static let operationsPerSecond = 1e11
  /// What the attack itself does to each pixel, beside a pass through the network.
  private static let secondsPerPixel = 1e-8

  static func seconds(_ cost: EvaluationCost, of graph: Graph) -> Double {
    let pass = Double(graph.floatingPointOperations) / operationsPerSecond + Double(graph.inputShape.count) * secondsPerPixel
    return cost.passes * pass
  }
}
