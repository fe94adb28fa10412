import Attacks
import JSON
import Robustness
import Testing

@Suite("Gates") struct GateTests {
  // 720 of 1,000: the interval is [0.6914, 0.7470].
  private let evaluation = sampleEvaluation()

  private func verdict(_ gate: Gate, _ warnings: [Warning] = []) -> Verdict { gate.judge(evaluation, warnings: warnings).verdict }

  @Test("a gate passes when the lower end reaches it, fails when the upper end misses it, is inconclusive in between")
  func verdicts() {
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.69)) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.70)) == .inconclusive)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.74)) == .inconclusive)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.75)) == .fail)
    let ends = Proportion(correct: 720, total: 1000).interval
    #expect(verdict(Gate(metric: .robustAccuracy, min: ends.low)) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, min: ends.high)) == .inconclusive)
  }

  @Test("an upper bound passes when the upper end keeps it, and fails when the lower end breaks it") func upperBounds() {
    let ends = Proportion(correct: 720, total: 1000).interval
    #expect(verdict(Gate(metric: .robustAccuracy, .atMost(0.75))) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, .atMost(ends.high))) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, .atMost(0.72))) == .inconclusive)
    #expect(verdict(Gate(metric: .robustAccuracy, .atMost(ends.low))) == .inconclusive)
    #expect(verdict(Gate(metric: .robustAccuracy, .atMost(0.69))) == .fail)
  }

  @Test("each metric and attack is judged by its own value") func metrics() {
    func value(_ gate: Gate) -> Double? { gate.judge(evaluation, warnings: []).value }
    #expect(value(Gate(metric: .cleanAccuracy, min: 0.9)) == 0.99)
    #expect(value(Gate(metric: .robustAccuracy, attack: "fgsm", min: 0.9)) == 0.8)
    #expect(value(Gate(metric: .robustAccuracy, attack: "pgd", min: 0.9)) == 0.72)
    #expect(value(Gate(metric: .robustAccuracy, attack: "pgd-40", min: 0.9)) == 0.72)
    #expect(value(Gate(metric: .worstClassAccuracy, min: 0.9)) == 0.44)
    #expect(value(Gate(metric: .worstClassAccuracy, attack: "fgsm", min: 0.9)) == 0.6)
    #expect(value(Gate(metric: .robustAccuracy, ofClass: "cat", .atLeast(0.9))) == 1)
    #expect(value(Gate(metric: .cleanAccuracy, ofClass: "dog", .atLeast(0.9))) == 0.98)
  }

  @Test("an attack or a class that was not there leaves the gate inconclusive, and says so") func missing() {
    let result = Gate(metric: .robustAccuracy, attack: "square", min: 0.1).judge(evaluation, warnings: [])
    #expect(result.verdict == .inconclusive && result.value == nil && result.detail?.contains("square") == true)
    let bird = Gate(metric: .cleanAccuracy, ofClass: "bird", .atLeast(0.1)).judge(evaluation, warnings: [])
    #expect(bird.verdict == .inconclusive && bird.detail?.contains("bird") == true)
  }

  @Test("in a weak evaluation every gate on a robust metric is inconclusive, with or without attack, and is told what to add")
  func weak() {
    let weak = sampleEvaluation(strong: false)
    for gate in [
      Gate(metric: .robustAccuracy, min: 0.1), Gate(metric: .robustAccuracy, attack: "pgd", min: 0.1),
      Gate(metric: .worstClassAccuracy, min: 0.1), Gate(metric: .robustAccuracy, min: 0.99), Gate(metric: .robustAccuracy, .atMost(0.9)),
    ] {
      let result = gate.judge(weak, warnings: [])
      #expect(result.verdict == .inconclusive && result.detail?.contains("weak_evaluation") == true)
      #expect(result.detail?.contains("apgd_t or fab_t to evaluation.attacks") == true && result.value != nil)
    }
    #expect(Gate(metric: .cleanAccuracy, min: 0.9).judge(weak, warnings: []).verdict == .pass)
  }

  @Test("a gate with an attack says beside its own number what all attacks together leave") func unionBeside() {
    let own = Gate(metric: .robustAccuracy, attack: "fgsm", min: 0.7).judge(evaluation, warnings: [])
    #expect(own.verdict == .pass && own.detail == "All attacks together leave 72.0 % correct.")
    #expect(Gate(metric: .robustAccuracy, min: 0.6).judge(evaluation, warnings: []).detail == nil)
  }

  @Test("a discredited robust accuracy is never a pass; clean accuracy and mere warnings are judged as ever") func discredited() {
    let doubt = Warning(code: "zero_gradients", detail: "…", discredits: true)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.1), [doubt]) == .inconclusive)
    #expect(verdict(Gate(metric: .worstClassAccuracy, min: 0.1), [doubt]) == .inconclusive)
    #expect(verdict(Gate(metric: .cleanAccuracy, min: 0.1), [doubt]) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.1), [Warning(code: "few_classes", detail: "…")]) == .pass)
  }

  @Test("a doubt about one attack touches its own gate, and that of all attacks only when it is the strongest") func doubtOfOne() {
    func doubt(_ attack: String) -> [Warning] { [Warning(code: "noise_beats_attack", detail: "…", discredits: true, attack: attack)] }
    #expect(verdict(Gate(metric: .robustAccuracy, attack: "fgsm", min: 0.1), doubt("fgsm")) == .inconclusive)
    #expect(verdict(Gate(metric: .robustAccuracy, attack: "pgd", min: 0.1), doubt("fgsm")) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.1), doubt("pgd-40")) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.1), doubt("apgd_t-100")) == .inconclusive)
  }

  @Test("the verdict of all: a failure counts most, then a doubt; without gates nothing is known") func overall() {
    func results(_ bounds: [Double]) -> [GateResult] {
      bounds.map { Gate(metric: .robustAccuracy, min: $0).judge(evaluation, warnings: []) }
    }
    #expect(Verdict(of: results([])) == .inconclusive)
    #expect(Verdict(of: results([0.1, 0.2])) == .pass)
    #expect(Verdict(of: results([0.1, 0.72])) == .inconclusive)
    #expect(Verdict(of: results([0.1, 0.72, 0.9])) == .fail)
  }

  @Test(
    "a result is flat JSON, and reads back",
    arguments: [
      Gate(metric: .robustAccuracy, attack: "pgd", min: 0.5), Gate(metric: .cleanAccuracy, ofClass: "cat", .atMost(0.5)),
      Gate(metric: .robustAccuracy, against: .baseline, .atLeast(-0.01)),
    ])
  func json(gate: Gate) throws {
    let result = gate.judge(evaluation, warnings: [])
    let value = try JSONValue(encoding: result)
    #expect(value["metric"]?.string == gate.metric.rawValue && value["attack"]?.string == gate.attack)
    #expect(value["class"]?.string == gate.ofClass && value["against"]?.string == gate.against?.rawValue)
    #expect((value["min"] ?? value["max"])?.double == gate.bound.value)
    #expect((value["interval"]?["low"] != nil) == (gate.against == nil))
    #expect(try value.decoded(as: GateResult.self) == result)
  }

  @Test("a median distance is judged by two of the distances, and needs an attack that measures them") func distances() throws {
    func judged(
      _ summary: DistanceSummary?, _ bound: Gate.Bound, _ settings: [String: JSONValue] = [:], robust: Int? = nil
    ) -> GateResult {
      var evaluation = evaluation
      if let robust { evaluation.worstCase = Proportion(correct: robust, total: 1000) }
      evaluation.attacks.append(
        Evaluation.Attacked(
          settings: AttackSettings(.deepfool, settings), robustAccuracy: Proportion(correct: 720, total: 1000),
          correctPerClass: [500, 220],
          gradientEvaluations: 1, forwardPasses: 1, seconds: 1, distances: summary))
      return Gate(metric: .medianDistance, bound).judge(evaluation, warnings: [])
    }
    #expect(judged(nil, .atLeast(0.1)).verdict == .inconclusive && judged(nil, .atLeast(0.1)).value == nil)
    // Ten zeros, then a thousandth more each: of 1,000 the 469th is 0.459 and the 532nd 0.522.
    let summary = DistanceSummary(found: (1...900).map { Double($0) / 1000 }, misclassified: 10, total: 1000)
    #expect(judged(summary, .atLeast(0.1)).value == 0.4905)
    #expect(judged(summary, .atLeast(0.459)).verdict == .pass)
    #expect(judged(summary, .atLeast(0.5)).verdict == .inconclusive)
    #expect(judged(summary, .atLeast(0.523)).verdict == .fail)
    let endless = judged(DistanceSummary(found: [], misclassified: 0, total: 1000), .atLeast(0.5))
    #expect(endless.value == .infinity && endless.verdict == .inconclusive)
    #expect(endless.detail?.contains("found no misclassified image for half") == true)
    let hasty = judged(summary, .atLeast(0.1), ["steps": 1])
    #expect(hasty.verdict == .inconclusive && hasty.detail?.contains("raise steps to 50 or more in deepfool") == true)
    #expect(judged(summary, .atLeast(0.1), robust: 600).verdict == .pass)
    let contradicted = judged(summary, .atLeast(0.1), robust: 400)
    #expect(contradicted.verdict == .inconclusive && contradicted.detail?.contains("40.0 % correct") == true)
    #expect(try JSONValue(encoding: endless).decoded(as: GateResult.self) == endless)
  }

  @Test("titles name the attack, the class, what is compared, and the bound") func titles() {
    #expect(Gate(metric: .robustAccuracy, attack: "pgd", min: 0.6).title == "robust_accuracy (pgd) ≥ 0.6")
    #expect(Gate(metric: .cleanAccuracy, ofClass: "7", .atMost(0.9)).title == "clean_accuracy of class 7 ≤ 0.9")
    #expect(Gate(metric: .robustAccuracy, against: .baseline, .atLeast(-0.01)).title == "robust_accuracy − baseline ≥ -0.01")
  }

  @Test("a difference from the baseline is judged by its own interval, and without a baseline not at all") func baseline() {
    func outcomes(_ evaluation: Evaluation, robust: Int) -> Evaluation {
      var evaluation = evaluation
      let attacked = (0..<1000).map { $0 < robust }
      evaluation.outcomes = ExampleOutcomes(
        ids: Array(0..<1000), clean: (0..<1000).map { $0 < 990 }, attacks: evaluation.attacks.map { _ in attacked })
      return evaluation
    }
    let gate = Gate(metric: .robustAccuracy, against: .baseline, .atLeast(0))
    #expect(gate.judge(evaluation, warnings: []).verdict == .inconclusive)
    func result(_ own: Int, _ other: Int, _ gate: Gate) -> GateResult {
      let final = outcomes(evaluation, robust: own)
      return gate.judge(final, comparison: Comparison(final, baseline: outcomes(evaluation, robust: other)), warnings: [])
    }
    #expect(result(720, 650, gate).verdict == .pass)
    #expect(abs((result(720, 650, gate).value ?? 0) - 0.07) < 1e-12)
    #expect(result(650, 720, gate).verdict == .fail)
    #expect(result(720, 719, gate).verdict == .inconclusive)
    #expect(result(720, 650, gate).detail?.contains("70 examples gained, 0 lost") == true)
    #expect(result(720, 650, Gate(metric: .cleanAccuracy, against: .baseline, .atLeast(0.001))).verdict == .inconclusive)
    // Other examples cannot be compared.
    var other = outcomes(evaluation, robust: 650)
    other.outcomes = ExampleOutcomes(ids: Array(1...1000), clean: other.outcomes?.clean ?? [], attacks: other.outcomes?.attacks ?? [])
    #expect(Comparison(outcomes(evaluation, robust: 720), baseline: other) == nil)
  }
}

@Suite("Gates on classes") struct ClassGateTests {
  /// An evaluation whose only numbers are those of its classes.
  private func evaluation(_ classes: [(name: String, correct: Int, total: Int)]) -> Evaluation {
    var evaluation = sampleEvaluation()
    evaluation.perClass = classes.map {
      Evaluation.OfClass(
        name: $0.name, cleanAccuracy: Proportion(correct: $0.total, total: $0.total),
        robustAccuracy: Proportion(correct: $0.correct, total: $0.total))
    }
    return evaluation
  }

  private let worst = Gate(metric: .worstClassAccuracy, min: 0.8)

  @Test("three right of three are no proof of 0.8, and decide although another class has a lower accuracy") func smallClass() {
    let small = worst.judge(evaluation([("a", 920, 1000), ("b", 3, 3)]), warnings: [])
    #expect(small.verdict == .inconclusive && small.value == 0.92)
    // SciPy: binomtest(3, 3).proportion_ci(1 - 0.05 / 2, "wilson").
    #expect(abs((small.interval?.low ?? 0) - 0.3738837) < 1e-6)
    #expect(worst.judge(evaluation([("a", 920, 1000), ("b", 300, 300)]), warnings: []).verdict == .pass)
  }

  @Test("one class that is surely below is enough to fail, whatever the others are") func lowClass() {
    let result = worst.judge(evaluation([("a", 920, 1000), ("b", 500, 1000), ("c", 0, 0)]), warnings: [])
    #expect(result.verdict == .fail && result.value == 0.5 && result.detail?.contains("lowest is b") == true)
  }

  @Test("a class without test images is named, and leaves the gate inconclusive") func emptyClass() {
    let result = worst.judge(evaluation([("a", 999, 1000), ("b", 999, 1000), ("c", 0, 0)]), warnings: [])
    #expect(result.verdict == .inconclusive && result.detail?.contains("class c") == true && result.value == 0.999)
    let own = Gate(metric: .robustAccuracy, ofClass: "c", .atLeast(0)).judge(evaluation([("a", 9, 10), ("c", 0, 0)]), warnings: [])
    #expect(own.verdict == .inconclusive && own.detail?.contains("class c") == true)
  }

  @Test("a class's own gate takes the interval of one class among all") func ownInterval() {
    let classes = (0..<10).map { ("\($0)", 40, 50) }
    let result = Gate(metric: .robustAccuracy, ofClass: "3", .atLeast(0.65)).judge(evaluation(classes), warnings: [])
    #expect(result.verdict == .inconclusive && abs((result.interval?.low ?? 0) - 0.6060267) < 1e-6)
    #expect(Proportion(correct: 40, total: 50).interval.low > 0.65)
  }
}
