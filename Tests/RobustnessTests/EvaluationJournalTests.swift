import Attacks
import Foundation
import Robustness
import Synchronization
import TensorEngine
import Testing

/// Ends an evaluation at its nth call of `control`.
final class Stop: Sendable {
  struct Stopped: Error {}
  private let limit: Int
  private let count = Mutex(0)

  init(after limit: Int = .max) { self.limit = limit }

  var questions: Int { count.withLock { $0 } }

  func ask() throws {
    let asked = count.withLock { count in
      count += 1
      return count
    }
    if asked > limit { throw Stopped() }
  }
}

@Suite("An evaluation's journal")
struct EvaluationJournalTests {
  private let settings = EvaluationSettings(
    attacks: [AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 3, "restarts": 2]), AttackSettings(.noise)],
    curve: [0, 0.05, 0.1, 0.2], curveAttack: AttackSettings(.pgd, ["steps": 3]), seed: 7)
  private let threat = Threat(norm: .linf, epsilon: 0.1)

  private func evaluate(
    _ team: LinearTeam, _ set: EvaluationSet, _ journal: EvaluationJournal, _ stop: Stop = Stop(), _ settings: EvaluationSettings? = nil
  ) throws -> Evaluation {
    try Evaluator(settings: settings ?? self.settings, threat: threat).evaluate(
      team, on: set, journal: journal, control: { try stop.ask() })
  }

  /// A model that gives every diagnostic something to count.
  private var spoilt: LinearTeam {
    var team = LinearTeam(classes: 5)
    team.spoil = { gradient in
      if gradient.values[0] > 0 { gradient.values[0] = .nan }
      for index in 6..<max(6, min(12, gradient.values.count)) { gradient.values[index] = 0 }
    }
    return team
  }

  /// As a process finds it that comes after the one that wrote it.
  private func reread(_ journal: EvaluationJournal, model: String = "m") throws -> EvaluationJournal {
    let data = try JSONEncoder().encode(journal.snapshot)
    return EvaluationJournal(model: model, try JSONDecoder().decode(EvaluationJournal.Snapshot.self, from: data))
  }

  @Test("an evaluation that is interrupted at any question and resumed ends the same, and repeats no shard", arguments: [false, true])
  func interrupted(isSpoilt: Bool) throws {
    let team = isSpoilt ? spoilt : LinearTeam(classes: 5)
    let set = team.set(60, wrong: [3, 17])
    let all = Stop()
    let whole = try evaluate(team, set, EvaluationJournal(model: "m"), all).facts
    if isSpoilt { #expect(whole.warnings.contains { $0.code == "broken_gradients" }) }
    for limit in 0..<all.questions {
      let journal = EvaluationJournal(model: "m")
      #expect(throws: Stop.Stopped.self) { try evaluate(team, set, journal, Stop(after: limit)) }
      let (done, rest) = (journal.finishedShards, Stop())
      let next = try reread(journal)
      let resumed = try evaluate(team, set, next, rest).facts
      #expect(resumed == whole, "after \(limit) questions")
      // Every shard asks at least once.
      #expect(rest.questions <= all.questions - done)
    }
  }

  @Test("an evaluation that is over is not computed again, and its seconds stay")
  func finished() throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(60)
    let journal = EvaluationJournal(model: "m")
    let first = try evaluate(team, set, journal)
    let again = Stop(after: 0)
    let second = try evaluate(team, set, try reread(journal), again)
    #expect(again.questions == 0)
    #expect(second.facts == first.facts)
    #expect(second.seconds >= first.seconds && first.seconds > 0)
  }

  @Test("what was recorded of other weights, settings, examples or shards is not used", arguments: 0..<7)
  func others(_ difference: Int) throws {
    var team = LinearTeam(classes: 5)
    let journal = EvaluationJournal(model: "m")
    _ = try evaluate(team, team.set(60), journal)
    var (other, count, model) = (settings, 60, "m")
    switch difference {
    case 0: model = "n"
    case 1: other.seed = 8
    case 2: other.attacks[1]["steps"] = 4
    case 3: count = 59
    case 4: other.threats = [Threat(norm: .l2, epsilon: 0.2)]
    case 5: other.curveAttack["steps"] = 4
    default: team.shardSize = 7
    }
    let set = team.set(count)
    let (resumed, anew) = (Stop(), Stop())
    let evaluation = try evaluate(team, set, try reread(journal, model: model), resumed, other)
    #expect(evaluation.facts == (try evaluate(team, set, EvaluationJournal(model: model), anew, other).facts))
    #expect(resumed.questions == anew.questions)
  }
}
