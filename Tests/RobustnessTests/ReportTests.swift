import JSON
import Attacks
import Foundation
import Robustness
import Testing

@Suite("The report") struct ReportTests {
  private func report(
    before: Evaluation? = sampleEvaluation(fgsm: 300, pgd: 10), after: Evaluation = sampleEvaluation(),
    gates: [Gate] = [Gate(metric: .robustAccuracy, attack: "pgd", min: 0.6)], warnings: [Warning] = []
  ) -> Report {
    Report(
      dataset: Report.Dataset(
        id: "pets", name: "pets", shape: [8, 8, 1], classes: ["cat", "dog"], trainCount: 100, validationCount: 10, testCount: 2000,
        evaluatedCount: 1000),
      model: Report.Model(architecture: "lenet", parameters: 1234, sha256: "ab"), spec: ["seed": 0, "name": "x"], before: before,
      after: after, seconds: ["base": 1, "evaluate": .nan], warnings: warnings, gates: gates)
  }

  @Test("its JSON is valid, in snake case, with NaN as a string, and reads back") func json() throws {
    var report = report()
    let text = try report.json()
    let value = try JSONValue(parsing: text)
    #expect(value["verdict"] == "pass")
    #expect(value["after"]?["clean_accuracy"]?["correct"] == 990)
    #expect(value["before"]?["worst_class"]?["name"] == "dog")
    #expect(value["seconds"]?["evaluate"] == "NaN")
    #expect(value["dataset"]?["evaluated_count"] == 1000)
    #expect(value["spec"]?["seed"] == 0)
    #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
    var back = try Report(json: text.utf8)
    #expect(back.seconds["evaluate"]?.isNaN == true)
    back.seconds = [:]
    report.seconds = [:]
    #expect(back == report)
  }

  @Test("warnings of training, evaluation and gates all stand in it, and those that discredit decide") func warnings() {
    let training = Warning(code: "no_validation", detail: "…")
    let doubt = Warning(code: "bound_broken", detail: "…", discredits: true)
    let clear = report(after: sampleEvaluation(warnings: []), warnings: [training])
    #expect(clear.warnings == [training] && clear.verdict == .pass)
    let doubted = report(after: sampleEvaluation(warnings: [doubt]), warnings: [training])
    #expect(doubted.warnings == [training, doubt] && doubted.verdict == .inconclusive)
    let base = report(before: sampleEvaluation(warnings: [doubt]))
    #expect(base.warnings.isEmpty && base.verdict == .pass)
    let close = report(gates: [Gate(metric: .robustAccuracy, min: 0.71)])
    #expect(close.warnings.map(\.code) == ["sample_too_small"] && close.verdict == .inconclusive)
    let free = report(gates: [])
    #expect(free.warnings.map(\.code) == ["no_gates"] && free.verdict == .inconclusive)
  }

  @Test("its table shows before and after side by side, the gates and the verdict") func table() {
    let text = ReportTable(report(warnings: [Warning(code: "no_validation", detail: "Nothing was held out.")])).text
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("pets: 1000 of 2000 test images (8×8×1, 2 classes)"))
    #expect(lines.contains("lenet, 1234 parameters, against L∞ ≤ 0.15"))
    #expect(lines.contains("accuracy     before                after"))
    #expect(lines.contains("clean        99.0% [98.2%, 99.5%]  99.0% [98.2%, 99.5%]"))
    #expect(lines.contains("pgd-40       1.0% [0.5%, 1.8%]     72.0% [69.1%, 74.7%]"))
    #expect(lines.contains("worst class  0.0% (dog)            44.0% (dog)"))
    #expect(lines.contains("robust_accuracy (pgd) ≥ 0.6  72.0%  [69.1%, 74.7%]  pass"))
    #expect(lines.contains("verdict: pass"))
    #expect(lines.contains("warning no_validation: Nothing was held out."))
    #expect(!lines.contains { $0.hasSuffix(" ") })
  }

  @Test("on a terminal its curve is drawn by bars, to an eighth of a character") func bars() {
    let lines = ReportTable(report(), bars: true).text.split(separator: "\n").map(String.init)
    #expect(lines.contains("0.0   before  99.0%  " + String(repeating: "█", count: 49) + "▌"))
    #expect(lines.contains("0.15  before  1.0%   ▌"))
    #expect(lines.contains("      after   72.0%  " + String(repeating: "█", count: 36)))
    #expect(
      BlockCharacters.bar(.nan, width: 10).isEmpty && BlockCharacters.bar(2, width: 3) == "███" && BlockCharacters.bar(0.5, width: 1) == "▌"
    )
    #expect(BlockCharacters.columns([0, 0.2, 0.999, 1, .nan]) == "▁▂██ ")
  }

  @Test("without a base model the table has one column") func oneColumn() {
    let lines = ReportTable(report(before: nil)).text.split(separator: "\n").map(String.init)
    #expect(lines.contains("accuracy     model"))
    #expect(lines.contains("fgsm         80.0% [77.4%, 82.4%]"))
  }
}
