import Attacks
import JSON
import Robustness
import TensorEngine
import Testing

@Suite("The confusion of an evaluation") struct ConfusionTests {
  private let settings = EvaluationSettings(
    attacks: [AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 10]), AttackSettings(.autoattack)], selfCheck: false)

  @Test("rows are the true classes: clean by the model's answers, under attack by the first attack that succeeded, and withstood else")
  func counted() throws {
    let team = LinearTeam(classes: 4)
    let set = team.set(120, wrong: [1, 7, 30, 31])
    let evaluation = try Evaluator(settings: settings, threat: Threat(norm: .linf, epsilon: 0.05)).evaluate(team, on: set)
    let confusion = try #require(evaluation.confusion)
    var expected = [[Int]](repeating: [0, 0, 0, 0], count: 4)
    for (label, answer) in zip(set.labels, team.predictions(of: try set.images(Array(0..<120)))) { expected[label][answer] += 1 }
    #expect(confusion.clean == expected)
    for (label, ofClass) in evaluation.perClass.enumerated() {
      #expect(confusion.attacked[label][label] == ofClass.robustAccuracy.correct)
      #expect(confusion.attacked[label].reduce(0, +) == ofClass.cleanAccuracy.total)
    }
    #expect(evaluation.worstCase.correct < evaluation.cleanAccuracy.correct)
    // A report has it too.
    let written = try JSONValue(encoding: evaluation)
    #expect(try written["confusion"]?["under_attack"] == JSONValue(encoding: confusion.attacked))
    #expect(try written.decoded(as: Evaluation.self).confusion == confusion)
  }

  @Test("an evaluation that goes on from its journal counts the same; from one of an earlier version it counts nothing") func resumed()
    throws
  {
    let team = LinearTeam(classes: 4)
    let set = team.set(60, wrong: [4])
    let evaluator = Evaluator(settings: settings, threat: Threat(norm: .linf, epsilon: 0.1))
    let journal = EvaluationJournal(model: "m")
    let whole = try evaluator.evaluate(team, on: set, journal: journal)
    let saved = try JSONValue(encoding: journal.snapshot)
    let again = EvaluationJournal(model: "m", try saved.decoded(as: EvaluationJournal.Snapshot.self))
    #expect(try evaluator.evaluate(team, on: set, journal: again).confusion == whole.confusion)
    #expect(whole.confusion != nil)
    var earlier = journal.snapshot
    for stage in earlier.stages.keys {
      for shard in earlier.stages[stage]?.shards.keys.map({ $0 }) ?? [] { earlier.stages[stage]?.shards[shard]?.mistakes = [] }
    }
    let known = try evaluator.evaluate(team, on: set, journal: EvaluationJournal(model: "m", earlier))
    #expect(known.confusion == nil && known.worstCase == whole.worstCase)
  }

  @Test("more than a hundred classes have none") func many() throws {
    let team = LinearTeam(classes: 101)
    let evaluator = Evaluator(settings: EvaluationSettings(attacks: [], selfCheck: false), threat: Threat(norm: .linf, epsilon: 0.1))
    #expect(try evaluator.evaluate(team, on: team.set(20)).confusion == nil)
  }
}
