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

  @Test("each metric and attack is judged by its own value") func metrics() {
    #expect(Gate(metric: .cleanAccuracy, min: 0.9).judge(evaluation, warnings: []).value == 0.99)
    #expect(Gate(metric: .robustAccuracy, attack: "fgsm", min: 0.9).judge(evaluation, warnings: []).value == 0.8)
    #expect(Gate(metric: .robustAccuracy, attack: "pgd", min: 0.9).judge(evaluation, warnings: []).value == 0.72)
    #expect(Gate(metric: .robustAccuracy, attack: "pgd-40", min: 0.9).judge(evaluation, warnings: []).value == 0.72)
    #expect(Gate(metric: .worstClassAccuracy, min: 0.9).judge(evaluation, warnings: []).value == 0.44)
    #expect(Gate(metric: .worstClassAccuracy, attack: "fgsm", min: 0.9).judge(evaluation, warnings: []).value == 0.6)
  }

  @Test("an attack that was not run leaves the gate inconclusive, and says so") func missing() {
    let result = Gate(metric: .robustAccuracy, attack: "square", min: 0.1).judge(evaluation, warnings: [])
    #expect(result.verdict == .inconclusive && result.value == nil && result.detail?.contains("square") == true)
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
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.1), doubt("fgsm")) == .pass)
    #expect(verdict(Gate(metric: .robustAccuracy, min: 0.1), doubt("pgd-40")) == .inconclusive)
  }

  @Test("the verdict of all: a failure counts most, then a doubt; no gates pass") func overall() {
    func results(_ bounds: [Double]) -> [GateResult] {
      bounds.map { Gate(metric: .robustAccuracy, min: $0).judge(evaluation, warnings: []) }
    }
    #expect(Verdict(of: results([])) == .pass)
    #expect(Verdict(of: results([0.1, 0.2])) == .pass)
    #expect(Verdict(of: results([0.1, 0.72])) == .inconclusive)
    #expect(Verdict(of: results([0.1, 0.72, 0.9])) == .fail)
  }

  @Test("a result is flat JSON, and reads back") func json() throws {
    let result = Gate(metric: .robustAccuracy, attack: "pgd", min: 0.5).judge(evaluation, warnings: [])
    let value = try JSONValue(encoding: result)
    #expect(value["metric"] == "robust_accuracy" && value["attack"] == "pgd" && value["verdict"] == "pass" && value["min"] == 0.5)
    #expect(value["interval"]?["low"] != nil)
    #expect(try value.decoded(as: GateResult.self) == result)
  }
}
