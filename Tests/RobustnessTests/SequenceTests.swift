import Attacks
import Foundation
import JSON
import Robustness
import Synchronization
import TensorEngine
import Testing

@Suite("An evaluation by AutoAttack") struct SequenceTests {
  private let threat = Threat(norm: .linf, epsilon: 0.12)
  private let settings = EvaluationSettings(attacks: [AttackSettings(.autoattack)], seed: 7)
  /// A sequence of several kinds of attacks that takes no time.
  private static let short = AttackDefinition(name: "short", summary: "", fields: [], strength: 1) { _, _ in
    [
      AttackSettings(.noise), AttackSettings(.pgd, ["steps": 2]), AttackSettings(.fabT, ["steps": 2, "targets": 2]),
      AttackSettings(.square, ["queries": 5]),
    ]
  }

  private func evaluate(
    _ team: LinearTeam, _ set: EvaluationSet, _ settings: EvaluationSettings, _ journal: EvaluationJournal = EvaluationJournal(model: "m"),
    _ stop: Stop = Stop()
  ) throws -> Evaluation {
    try Evaluator(settings: settings, threat: threat).evaluate(team, on: set, journal: journal, control: { try stop.ask() })
  }

  @Test("it is one row of the report, with what each of its parts felled and took") func row() throws {
    let team = LinearTeam(classes: 5)
    let evaluation = try evaluate(team, team.set(100, wrong: [3, 17]), settings)
    #expect(evaluation.attacks.map(\.label) == ["autoattack"])
    let attack = evaluation.attacks[0]
    let parts = try #require(attack.parts)
    #expect(parts.map(\.label) == ["apgd_ce-100", "apgd_t-100", "fab_t-100", "square-5000"])
    #expect(attack.settings["version"] == "standard")
    #expect(attack.robustAccuracy.correct < 98 && attack.robustAccuracy == evaluation.worstCase)
    #expect(parts.last?.robustAccuracy == attack.robustAccuracy)
    let left = [98] + parts.map(\.robustAccuracy.correct)
    #expect(parts.map(\.fallen) == zip(left, left.dropFirst()).map { $0 - $1 })
    #expect(parts[0].fallen > 0)
    #expect(attack.gradientEvaluations == parts.reduce(0) { $0 + $1.gradientEvaluations })
    #expect(attack.forwardPasses == parts.reduce(0) { $0 + $1.forwardPasses })
    #expect(parts.allSatisfy { $0.passes == 2 * $0.gradientEvaluations + $0.forwardPasses })
    #expect(attack.passes == parts.reduce(0) { $0 + $1.passes })
    // Those that Square leaves have had every query; and each was predicted at the end.
    #expect(parts[3].forwardPasses == left[3] * 5_002)
  }

  @Test("the report holds the parts, and is read again as it was") func report() throws {
    let team = LinearTeam(classes: 5)
    var evaluation = try evaluate(team, team.set(30), settings)
    // The outcome of each example is no part of the report.
    evaluation.outcomes = nil
    let document = try JSONValue(encoding: evaluation)
    #expect(try document.decoded(as: Evaluation.self) == evaluation)
    let text = document.serialised()
    for member in ["\"parts\":[", "\"fallen\":", "\"passes\":", "\"version\":\"standard\""] { #expect(text.contains(member)) }
  }

  @Test("a part is given the examples of the whole set that are left, in full shards") func gathered() throws {
    let team = LinearTeam(classes: 5)
    let journal = EvaluationJournal(model: "m")
    let evaluation = try evaluate(team, team.set(100), settings, journal)
    let left = [100] + (evaluation.attacks[0].parts ?? []).map(\.robustAccuracy.correct)
    #expect(left[1] < left[0])
    for (number, standing) in left.dropLast().enumerated() {
      let stage = try #require(journal.snapshot.stages["attack 0 part \(number)"])
      #expect(stage.shards.keys.sorted() == Array(0..<(standing + 7) / 8))
      #expect(stage.shards.sorted { $0.key < $1.key }.dropLast().allSatisfy { $0.value.withstood.count == 8 })
    }
  }

  @Test("it finds what its parts find one after the other on one batch", arguments: Norm.allCases) func sameAsOnABatch(norm: Norm) throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(40)
    let threat = Threat(norm: norm, epsilon: 0.15)
    let evaluation = try Evaluator(settings: settings, threat: threat).evaluate(team, on: set)
    let examples = Examples(images: try set.images(Array(0..<40)), labels: set.labels, ids: set.ids, seed: 7)
    let result = Mutex<[Bool]>([])
    try team.forEachTask(1) { _, classifier in
      let found = AttackSettings(.autoattack).adversary(for: threat, keep: .firstMisclassified).run(examples, of: classifier)
      result.withLock { $0 = found.misclassified }
    }
    #expect(evaluation.worstCase == Proportion(result.withLock { $0.map { !$0 } }))
  }

  @Test("neither the shards nor their number change anything") func shardsChangeNothing() throws {
    var team = LinearTeam(classes: 5)
    let set = team.set(45, wrong: [4])
    let reference = try evaluate(team, set, settings).facts
    for size in [1, 7, 100] {
      team.shardSize = size
      #expect(try evaluate(team, set, settings).facts == reference)
    }
  }

  @Test("an evaluation that is interrupted at any question of any part and resumed ends the same") func interrupted() throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(30, wrong: [3])
    var settings = EvaluationSettings(attacks: [AttackSettings(Self.short)], seed: 7)
    settings.threats = [Threat(norm: .l2, epsilon: 0.2)]
    let all = Stop()
    let whole = try evaluate(team, set, settings, EvaluationJournal(model: "m"), all).facts
    #expect(try #require(whole.attacks[0].parts).allSatisfy { $0.passes > 0 })
    for limit in 0..<all.questions {
      let journal = EvaluationJournal(model: "m")
      #expect(throws: Stop.Stopped.self) { try evaluate(team, set, settings, journal, Stop(after: limit)) }
      let (done, rest) = (journal.finishedShards, Stop())
      let data = try JSONEncoder().encode(journal.snapshot)
      let next = EvaluationJournal(model: "m", try JSONDecoder().decode(EvaluationJournal.Snapshot.self, from: data))
      #expect(try evaluate(team, set, settings, next, rest).facts == whole, "after \(limit) questions")
      #expect(rest.questions <= all.questions - done)
    }
  }

  @Test("AutoAttack itself, interrupted in the middle of each part, ends the same") func interruptedAtFullLength() throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(24)
    /// Stops at the first question after so many shards of a stage are done.
    func stopped(in stage: String) throws -> EvaluationJournal {
      let journal = EvaluationJournal(model: "m")
      #expect(throws: Stop.Stopped.self) {
        try Evaluator(settings: settings, threat: threat).evaluate(
          team, on: set, journal: journal,
          control: { if journal.snapshot.stages[stage]?.shards.isEmpty == false { throw Stop.Stopped() } })
      }
      return EvaluationJournal(model: "m", journal.snapshot)
    }
    let all = Stop()
    let whole = try evaluate(team, set, settings, EvaluationJournal(model: "m"), all).facts
    for part in 0..<4 {
      let rest = Stop()
      #expect(try evaluate(team, set, settings, stopped(in: "attack 0 part \(part)"), rest).facts == whole)
      #expect(rest.questions < all.questions)
    }
  }

  @Test("the curve is drawn by apgd_ce, which begins AutoAttack, and is not run twice") func curve() throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(60)
    var drawn = settings
    drawn.curve = [0, 0.06, 0.12]
    let plain = try evaluate(team, set, settings)
    let evaluation = try evaluate(team, set, drawn)
    #expect(evaluation.curveAttack == "apgd_ce-100")
    #expect(evaluation.curve.map(\.accuracy)[2] == evaluation.attacks[0].parts?[0].robustAccuracy)
    #expect(evaluation.curve.map(\.union) == [nil, nil, evaluation.worstCase])
    let added = evaluation.gradientEvaluations - plain.gradientEvaluations
    #expect(added > 0 && added <= 60 * 100)
    // The same by apgd_ce alone.
    var alone = drawn
    alone.attacks = [AttackSettings(.apgdCE)]
    #expect(try evaluate(team, set, alone).curve.map(\.accuracy) == evaluation.curve.map(\.accuracy))
  }

  @Test("on a network with randomness its version is rand, and the same example is the same every time") func randomised() throws {
    var team = LinearTeam(classes: 5)
    team.noise = 0.05
    let set = team.set(24)
    let evaluation = try evaluate(team, set, settings)
    #expect(evaluation.attacks[0].settings["version"] == "rand")
    #expect(evaluation.attacks[0].parts?.map(\.label) == ["apgd_ce-100-eot_samples20", "apgd_dlr-100-eot_samples20"])
    #expect(evaluation.worstCase.correct < evaluation.cleanAccuracy.correct)
    #expect(!evaluation.warnings.contains { $0.code == "prediction_not_repeatable" || $0.code == "zero_epsilon_differs" })
    team.shardSize = 5
    #expect(try evaluate(team, set, settings).facts == evaluation.facts)
  }

  @Test("gradients of zero in one part discredit nothing where another part has gradients") func zeroGradients() throws {
    // The cross-entropy of logits this large saturates; their differences do not.
    var team = LinearTeam(classes: 5)
    team.weights = team.weights.map { $0.map { 1_000 * $0 } }
    let set = team.set(100)
    let evaluation = try evaluate(team, set, settings)
    let alone = try evaluate(team, set, EvaluationSettings(attacks: [AttackSettings(.apgdCE)]))
    #expect(alone.warnings.contains { $0.code == "zero_gradients" && $0.discredits })
    #expect(!evaluation.warnings.contains { $0.discredits }, "\(evaluation.warnings)")
    #expect(evaluation.worstCase.correct < alone.worstCase.correct)
  }
}
