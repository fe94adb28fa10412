import Attacks
import Foundation
import Robustness
import Synchronization
import TensorEngine
import Testing

private struct Interruption: Error {}

@Suite("The evaluator") struct EvaluatorTests {
  private let threat = Threat(norm: .linf, epsilon: 0.1)
  private let attacks = [AttackSettings(.fgsm), AttackSettings(.pgd, ["steps": 10]), AttackSettings(.noise)]

  private func evaluate(_ team: LinearTeam, _ set: EvaluationSet, _ settings: EvaluationSettings, threat: Threat? = nil) throws
    -> Evaluation
  {
    try Evaluator(settings: settings, threat: threat ?? self.threat).evaluate(team, on: set)
  }

  @Test("on two classes the robust accuracy is the share of margins above ε‖w‖, counted by hand", arguments: Norm.allCases)
  func closedForm(norm: Norm) throws {
    let team = LinearTeam(classes: 2)
    let difference = zip(team.weights[0], team.weights[1]).map { Double($0 - $1) }
    let set = team.set(200, wrong: [3, 50, 51])
    let images = try set.images(Array(0..<200))
    // The images are moved to the middle, so that [0, 1] does not limit the attack.
    let inner = Tensor(images.shape, values: images.values.map { 0.3 + 0.4 * $0 })
    let margins = (0..<200).map { row in
      zip(difference, inner[example: row]).reduce(0.0) { $0 + $1.0 * Double($1.1) } * (set.labels[row] == 0 ? 1 : -1)
    }
    let epsilon = 0.08
    let length =
      switch norm {
      case .linf: difference.reduce(0) { $0 + abs($1) }
      case .l2: difference.reduce(0) { $0 + $1 * $1 }.squareRoot()
      case .l1: difference.reduce(0) { max($0, abs($1)) }
      }
    let centred = EvaluationSet(images: inner, labels: set.labels, classNames: set.classNames)
    let evaluation = try evaluate(
      team, centred, EvaluationSettings(attacks: [AttackSettings(.fgsm)]), threat: Threat(norm: norm, epsilon: epsilon))
    #expect(evaluation.cleanAccuracy == Proportion(margins.map { $0 > 0 }))
    #expect(evaluation.attacks[0].robustAccuracy == Proportion(margins.map { $0 > epsilon * length }))
    #expect(evaluation.attacks[0].robustAccuracy.correct > 0)
  }

  @Test("neither the shards, nor their number, nor the threads change anything") func shardsChangeNothing() throws {
    var team = LinearTeam(classes: 5)
    let settings = EvaluationSettings(attacks: attacks, curve: [0, 0.05, 0.1, 0.2], seed: 7)
    let set = team.set(75)
    let reference = try evaluate(team, set, settings).facts
    for size in [1, 7, 32, 100] {
      team.shardSize = size
      #expect(try evaluate(team, set, settings).facts == reference)
    }
  }

  @Test("an example that is wrong clean counts as not robust, and is not attacked") func wrongClean() throws {
    let team = LinearTeam(classes: 5)
    let all = try evaluate(team, team.set(40, wrong: Array(0..<40)), EvaluationSettings(attacks: attacks))
    #expect(all.cleanAccuracy.correct == 0)
    #expect(all.worstCase.correct == 0)
    #expect(all.gradientEvaluations == 0)
    // And 16 of them are predicted twice.
    #expect(all.forwardPasses == 40 + 16)
  }

  @Test("costs add up: one pass clean, and for each attack what its examples took") func costs() throws {
    let team = LinearTeam(classes: 5)
    let small = Threat(norm: .linf, epsilon: 1e-7)
    let evaluation = try evaluate(team, team.set(20), EvaluationSettings(attacks: attacks), threat: small)
    #expect(evaluation.attacks.map(\.gradientEvaluations) == [20, 200, 0])
    #expect(evaluation.attacks.map(\.forwardPasses) == [20, 20, 20])
    // The self-check takes one gradient and one prediction, and 16 clean images are predicted twice.
    #expect(evaluation.gradientEvaluations == 240)
    #expect(evaluation.forwardPasses == 20 + 16 + 60 + 20)
  }

  @Test("all attacks together are no weaker than each, and classes add up to the whole") func worstCase() throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(100, wrong: [1, 2, 3])
    let evaluation = try evaluate(team, set, EvaluationSettings(attacks: attacks))
    #expect(evaluation.attacks.allSatisfy { $0.robustAccuracy.correct >= evaluation.worstCase.correct })
    #expect(evaluation.perClass.map(\.robustAccuracy.correct).reduce(0, +) == evaluation.worstCase.correct)
    #expect(evaluation.perClass.map(\.cleanAccuracy.correct).reduce(0, +) == 97)
    #expect(evaluation.perClass.map(\.cleanAccuracy.total).reduce(0, +) == 100)
    for attack in evaluation.attacks { #expect(attack.correctPerClass.reduce(0, +) == attack.robustAccuracy.correct) }
    let worst = try #require(evaluation.worstClass)
    #expect(evaluation.perClass.filter { $0.cleanAccuracy.total > 0 }.allSatisfy { $0.robustAccuracy.value >= worst.robustAccuracy.value })
    #expect(evaluation.perClass.contains(worst))
  }

  @Test("the curve begins at clean accuracy, meets the attack at its epsilon, and falls") func curve() throws {
    let team = LinearTeam(classes: 5)
    let evaluation = try evaluate(team, team.set(100, wrong: [4]), EvaluationSettings(attacks: attacks, curve: [0.2, 0.1, 0, 0.05, 0.1]))
    #expect(evaluation.curve.map(\.epsilon) == [0, 0.05, 0.1, 0.2])
    #expect(evaluation.curveAttack == "apgd_ce-100")
    let correct = evaluation.curve.map(\.accuracy.correct)
    #expect(correct[0] == 99 && correct[2] <= evaluation.attacks[1].robustAccuracy.correct)
    // The union of all attacks is known at the threat's own epsilon alone.
    #expect(evaluation.curve.map(\.union) == [nil, nil, evaluation.worstCase, nil])
    #expect(zip(correct, correct.dropFirst()).allSatisfy { $0 >= $1 } && correct[0] > correct[3])
  }

  @Test("progress rises to the whole, and names its stages") func progress() throws {
    let team = LinearTeam(classes: 5)
    let seen = Mutex<[EvaluationProgress]>([])
    let settings = EvaluationSettings(attacks: attacks, curve: [0, 0.1, 0.2])
    _ = try Evaluator(settings: settings, threat: threat).evaluate(
      team, on: team.set(50), progress: { step in seen.withLock { $0.append(step) } })
    let steps = seen.withLock { $0 }
    #expect(abs((steps.map(\.fraction).max() ?? 0) - 1) < 1e-9)
    #expect(Set(steps.map(\.stage)) == ["clean", "fgsm", "pgd-10", "noise", "curve 0.1", "curve 0.2", "self-check"])
  }

  /// The fractions that an evaluation reports, with their stages.
  private func progress(_ team: LinearTeam, _ count: Int, _ settings: EvaluationSettings, _ threat: Threat) throws -> [EvaluationProgress] {
    let seen = Mutex<[EvaluationProgress]>([])
    _ = try Evaluator(settings: settings, threat: threat).evaluate(
      team, on: team.set(count), progress: { step in seen.withLock { $0.append(step) } })
    return seen.withLock { $0 }
  }

  @Test("examples that fell to a part of a sequence count as done for all parts that follow, as soon as it ends") func fallen() throws {
    let team = LinearTeam(classes: 5)
    let (count, wide) = (64, Threat(norm: .linf, epsilon: 0.5))
    let settings = EvaluationSettings(attacks: [AttackSettings(.autoattack)], selfCheck: false)
    let parts = try #require(try evaluate(team, team.set(count), settings, threat: wide).attacks.first?.parts)
    let steps = try progress(team, count, settings, wide)
    var left = count
    for part in parts where left > 0 {
      left -= part.fallen
      let last = try #require(steps.last { $0.stage.hasSuffix(part.label) }).fraction
      #expect(last >= Double(count - left) / Double(count) - 1e-9, "\(part.label): \(last), \(left) left")
    }
    #expect(parts[0].fallen > count / 2)
    #expect(abs((steps.last?.fraction ?? 0) - 1) < 1e-9)
  }

  @Test("progress is told within a task, never falls on one thread, and ends at 1") func withinATask() throws {
    var team = LinearTeam(classes: 5)
    team.shardSize = 64
    // Nothing falls, and each stage is one task.
    let steps = try progress(
      team, 64, EvaluationSettings(attacks: [AttackSettings(.pgd)], selfCheck: false), Threat(norm: .linf, epsilon: 1e-7))
    let fractions = steps.map(\.fraction)
    #expect(fractions == fractions.sorted() && abs((fractions.last ?? 0) - 1) < 1e-9)
    #expect(Set(fractions).count > 10, "\(fractions)")
    // One of the clean images, and one of the attack.
    #expect(steps.count { $0.endsTask } == 2)
  }

  @Test("what the control throws ends the evaluation") func control() throws {
    let team = LinearTeam(classes: 5)
    let calls = Mutex(0)
    #expect(throws: Interruption.self) {
      _ = try Evaluator(settings: EvaluationSettings(attacks: attacks), threat: threat).evaluate(
        team, on: team.set(50),
        control: {
          let count = calls.withLock { calls in
            calls += 1
            return calls
          }
          if count > 9 { throw Interruption() }
        })
    }
    #expect(calls.withLock { $0 } < 25)
  }

  @Test("an empty set has no accuracy, and every interval says that nothing is known") func empty() throws {
    let team = LinearTeam(classes: 5)
    let evaluation = try evaluate(team, team.set(0), EvaluationSettings(attacks: attacks, curve: [0, 0.1]))
    #expect(evaluation.cleanAccuracy.value.isNaN)
    #expect(evaluation.cleanAccuracy.interval.low == 0 && evaluation.cleanAccuracy.interval.high == 1)
    #expect(evaluation.worstClass == nil)
  }

  @Test("a sound linear model draws no warning from a strong evaluation, and but one from a weak one") func noWarning() throws {
    // A model that gives some image each class.
    let team = try #require((3..<100).map { LinearTeam(classes: 5, seed: $0) }.first { Set($0.set(200).labels).count == 5 })
    let strong = EvaluationSettings(attacks: attacks + [AttackSettings(.apgdT)], curve: [0, 0.05, 0.1, 0.5])
    let found = try evaluate(team, team.set(200), strong).warnings
    #expect(found.isEmpty, "\(found)")
    let weak = EvaluationSettings(attacks: attacks, curve: [0, 0.05, 0.1, 0.5])
    #expect(try evaluate(team, team.set(200), weak).warnings.map(\.code) == ["weak_evaluation"])
  }

  @Test("rechecks take at most a tenth of an evaluation's passes, and a weak evaluation makes none") func rechecks() throws {
    let team = LinearTeam(classes: 5)
    let set = team.set(100)
    func passes(_ attacks: [AttackSettings], selfCheck: Bool) throws -> Int {
      let evaluation = try evaluate(team, set, EvaluationSettings(attacks: attacks, selfCheck: selfCheck))
      return 2 * evaluation.gradientEvaluations + evaluation.forwardPasses
    }
    let bare = try passes([AttackSettings(.apgdT)], selfCheck: false)
    // The self-check of each image, and 16 images predicted twice.
    let own = bare + 3 * 100 + 16
    let whole = try passes([AttackSettings(.apgdT)], selfCheck: true)
    #expect(whole > own && whole - own <= own / 10)
    #expect(try passes([AttackSettings(.fgsm)], selfCheck: true) == passes([AttackSettings(.fgsm)], selfCheck: false) + 316)
  }

  @Test("gradients that point the wrong way are found out, although they are not zero") func wrongWay() throws {
    var team = LinearTeam(classes: 5)
    team.spoil = { gradient in gradient.values = gradient.values.map { -$0 } }
    let evaluation = try evaluate(
      team, team.set(400), EvaluationSettings(attacks: [AttackSettings(.apgdT)]), threat: Threat(norm: .linf, epsilon: 0.3))
    let codes = Set(evaluation.warnings.filter(\.discredits).map(\.code))
    #expect(codes.contains("noise_finds_more"), "\(evaluation.warnings) \(evaluation.worstCase)")
  }

  @Test("a model that sees one class in every image, and one that ends in a softmax, are found out") func strangeOutputs() throws {
    var constant = LinearTeam(classes: 5)
    constant.disturb = { _, logits in for row in 0..<logits.batch { logits.values[row * 5 + 2] = 1000 } }
    let one = try evaluate(constant, constant.set(50), EvaluationSettings(attacks: attacks)).warnings
    #expect(one.contains { $0.code == "constant_classifier" && $0.discredits && $0.detail.contains("class 2") })
    var softmaxed = LinearTeam(classes: 5)
    softmaxed.disturb = { _, logits in
      for row in 0..<logits.batch {
        let raised = logits[example: row].map { exp($0) }
        logits[example: row] = raised.map { $0 / raised.reduce(0, +) }[...]
      }
    }
    let other = try evaluate(softmaxed, softmaxed.set(50), EvaluationSettings(attacks: attacks)).warnings
    #expect(other.contains { $0.code == "softmax_outputs" } && !one.contains { $0.code == "softmax_outputs" })
  }

  @Test("the outcome of each example is there, in the order of the ids") func outcomes() throws {
    let team = LinearTeam(classes: 5)
    let evaluation = try evaluate(team, team.set(40, wrong: [3, 7]), EvaluationSettings(attacks: attacks))
    let outcomes = try #require(evaluation.outcomes)
    #expect(outcomes.ids == Array(0..<40) && outcomes.clean.indices.filter { !outcomes.clean[$0] } == [3, 7])
    #expect(outcomes.attacks.map { $0.count { $0 } } == evaluation.attacks.map(\.robustAccuracy.correct))
    #expect(outcomes.robust.count { $0 } == evaluation.worstCase.correct)
    // printf '3\n17\n' | sha256sum
    #expect(ExampleOutcomes.digest(of: [3, 17]) == "177b685127bf339b65118cc02485c5082b8a985cf0c2b1d5d6ecb6ce4d59cdcf")
  }

  @Test("a model whose gradients are zero is found out, and so is one whose gradients are NaN") func masked() throws {
    var team = LinearTeam(classes: 5)
    team.spoil = { gradient in gradient.values = gradient.values.map { _ in 0 } }
    let zero = try evaluate(team, team.set(200), EvaluationSettings(attacks: attacks), threat: Threat(norm: .linf, epsilon: 0.3))
    #expect(zero.warnings.contains { $0.code == "zero_gradients" && $0.discredits })
    // FGSM does not move, so even noise does better.
    #expect(zero.warnings.contains { $0.code == "noise_beats_attack" && $0.discredits })
    team.spoil = { gradient in gradient.values[0] = .nan }
    let broken = try evaluate(team, team.set(200), EvaluationSettings(attacks: attacks))
    #expect(broken.warnings.contains { $0.code == "broken_gradients" && $0.discredits })
  }

  @Test("a model whose answers depend on when it is asked is found out") func randomised() throws {
    var team = LinearTeam(classes: 5)
    // The classifier of each shard first predicts the images of the attack, then predicts them again to confirm.
    team.disturb = { call, logits in
      guard call == 1 else { return }
      logits.values = logits.values.map { -$0 }
    }
    let evaluation = try evaluate(team, team.set(200), EvaluationSettings(attacks: attacks))
    #expect(evaluation.warnings.contains { $0.code == "prediction_not_repeatable" && $0.discredits })
  }

  @Test("a sample is drawn without replacement by the seed, and is everything when there is not more") func sample() {
    let settings = EvaluationSettings(samples: 100, seed: 4)
    let drawn = settings.sample(of: 1000)
    #expect(drawn.count == 100 && Set(drawn).count == 100 && drawn == drawn.sorted())
    #expect(drawn == settings.sample(of: 1000))
    #expect(drawn != EvaluationSettings(samples: 100, seed: 5).sample(of: 1000))
    #expect(settings.sample(of: 30) == Array(0..<30))
  }

  @Test("an attack that looks for the nearest image gives distances, however the examples are cut, and a bounded one gives none")
  func distances() throws {
    var team = LinearTeam(classes: 2)
    let difference = zip(team.weights[0], team.weights[1]).map { Double($0 - $1) }
    let set = team.set(40, wrong: [3, 17])
    let images = try set.images(Array(0..<40))
    let margins = (0..<40).filter { $0 != 3 && $0 != 17 }.map { row in
      abs(zip(difference, images[example: row]).reduce(0.0) { $0 + $1.0 * Double($1.1) })
    }
    // Without the box; DeepFool goes 2 % further, and in the box further still.
    let nearest = margins.map { $0 / difference.reduce(0) { $0 + $1 * $1 }.squareRoot() }.sorted()
    // The two that are wrong as they are count as 0.
    let median = (nearest[17] + nearest[18]) / 2
    let settings = EvaluationSettings(attacks: [AttackSettings(.deepfool), AttackSettings(.pgd)])
    let euclidean = Threat(norm: .l2, epsilon: median)
    for size in [7, 100] {
      team.shardSize = size
      let evaluation = try evaluate(team, set, settings, threat: euclidean)
      let found = try #require(evaluation.attacks[0].medianDistance)
      #expect(found >= median && found < 1.2 * median + 0.001)
      #expect(try #require(evaluation.attacks[0].meanDistance) > nearest.reduce(0, +) / 38)
      #expect((17...24).contains(evaluation.attacks[0].robustAccuracy.correct))
      #expect(evaluation.attacks[1].medianDistance == nil && evaluation.attacks[1].meanDistance == nil)
      #expect(evaluation.warnings.allSatisfy { $0.attack == nil })
    }
  }
}
