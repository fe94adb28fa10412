import JSON
import Robustness
import Testing

/// Reports by hand, in all verdicts and with names that no format may stumble over.
enum SampleDocument: String, CaseIterable, CustomTestStringConvertible {
  case passing, failing, inconclusive, withoutGates, withoutBase, discredited, hostile

  var testDescription: String { rawValue }

  /// The file that the spec of each stands in; 720 of 1,000 give the interval [0.6914, 0.7470].
  static func specText(attack: String = "pgd", bound: Double = 0.75) -> String {
    """
    {
      "name": "pets",
      "dataset": {"id": "pets"},
      "gates": [
        {"metric": "clean_accuracy", "min": 0.9},
        {
          "metric": "robust_accuracy",
          "attack": "\(attack)",
          "min": \(bound)
        }
      ],
      "evaluation": {
        "samples": 1000
      }
    }
    """
  }

  static let origin = ReportOrigin(job: "job_0001", finishedAt: "2026-03-04T05:06:07.089Z", version: "1.2.3")

  /// What no name should have.
  static let hostileName = "</td>|<b>&\"'`_x_`](http://x.y)\u{1}\u{FFFF}\r\n]]>{0}=,$a$ é😀"

  func document(spec: SpecSource? = nil) throws -> ReportDocument { try ReportDocument(report, from: Self.origin, spec: spec) }

  var report: Report {
    switch self {
    case .passing: Self.report(gates: [Self.clean, Self.robust(0.6)])
    case .failing: Self.report(gates: [Self.clean, Self.robust(0.75)])
    case .inconclusive: Self.report(gates: [Self.clean, Self.robust(0.7)])
    case .withoutGates: Self.report(gates: [])
    case .withoutBase: Self.report(before: nil, gates: [Self.clean])
    case .discredited:
      Self.report(
        gates: [Self.clean, Self.robust(0.6)],
        warnings: [
          Warning(code: "no_validation", detail: "Nothing was held out."), Warning(code: "zero_gradients", detail: "…", discredits: true),
        ])
    case .hostile:
      Self.report(
        name: Self.hostileName, gates: [Gate(metric: .robustAccuracy, attack: Self.hostileName, min: 0.5)],
        warnings: [Warning(code: "no_validation", detail: Self.hostileName, attack: Self.hostileName)])
    }
  }

  private static let clean = Gate(metric: .cleanAccuracy, min: 0.9)
  private static func robust(_ bound: Double) -> Gate { Gate(metric: .robustAccuracy, attack: "pgd", min: bound) }

  private static func report(
    name: String = "pets", before: Evaluation? = sampleEvaluation(fgsm: 300, pgd: 10), gates: [Gate], warnings: [Warning] = []
  ) -> Report {
    var after = sampleEvaluation()
    after.perClass[1].name = name
    after.worstClass?.name = name
    return Report(
      dataset: Report.Dataset(
        id: "ds_1", name: name, shape: [8, 8, 1], classes: ["cat", name], trainCount: 100, validationCount: 10, testCount: 2000,
        evaluatedCount: 1000),
      model: Report.Model(architecture: "lenet", parameters: 1234, sha256: "ab", baseSHA256: before == nil ? nil : "cd"),
      spec: ["name": .string(name), "gates": (try? JSONValue(encoding: gates)) ?? []], before: before, after: after,
      seconds: ["base": 1.25, "evaluate": .nan], warnings: warnings, gates: gates)
  }
}
