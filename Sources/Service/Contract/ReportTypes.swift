import Attacks
import JSON
import Jobs
import Robustness

/// The report and its parts.
extension AnswerType {
  static let report = AnswerType(
    "Report", "Everything that a job found out about a model's robustness.",
    [
      .init("dataset", .object(reportedDataset)), .init("model", .object(reportedModel)),
      .init("spec", .input(JobSpec.object), "As the job ran it."),
      .init("before", .object(evaluation), "The base model; missing when nothing was trained.", isOptional: true),
      .init("after", .object(evaluation), "The final model, which the gates judge."),
      .init("comparison", .object(comparison), "With the baseline.", isOptional: true),
      .init("seconds", .map(.share), "Wall time by phase."), .init("warnings", .list(.object(finding))),
      .init("gates", .list(.object(gateResult))), .init("verdict", .words(Verdict.self)),
    ])

  static let verdict = AnswerType(
    "GateVerdict", "The verdict of a job's gates.",
    [.init("verdict", .words(Verdict.self)), .init("gates", .list(.object(gateResult)))])

  static let finding = AnswerType(
    "Finding", "A warning of a report.",
    [
      .init("code", .text), .init("detail", .text),
      .init("discredits", .boolean, "Whether no verdict may rest on the figures it is about."),
      .init("attack", .text, "The attack that it is about.", isOptional: true),
    ])

  private static let reportedDataset = AnswerType(
    "ReportedDataset", "The data that was used.",
    [
      .init("id", .text), .init("name", .text), .init("shape", .list(.count)), .init("classes", .list(.text)),
      .init("train_count", .count), .init("validation_count", .count), .init("test_count", .count), .init("evaluated_count", .count),
      .init("evaluated_ids_sha256", .text, isOptional: true),
    ])

  private static let reportedModel = AnswerType(
    "ReportedModel", "The network that was judged.",
    [
      .init("architecture", .text), .init("parameters", .count), .init("sha256", .text), .init("base_sha256", .text, isOptional: true),
    ])

  private static let interval = AnswerType(
    "Interval", "A confidence interval.", [.init("low", .figure), .init("high", .figure)])

  private static let proportion = AnswerType(
    "Proportion", "An accuracy with its counts and its 95 % Wilson interval.",
    [.init("value", .figure), .init("correct", .count), .init("total", .count), .init("interval", .object(interval))])

  private static let gateResult = AnswerType(
    "GateResult", "A gate with what it found.",
    [
      .init("metric", .words(Gate.Metric.self)), .init("attack", .text, isOptional: true), .init("class", .text, isOptional: true),
      .init("against", .words(Gate.Reference.self), isOptional: true), .init("min", .number(atLeast: nil), isOptional: true),
      .init("max", .number(atLeast: nil), isOptional: true), .init("value", .figure, isOptional: true),
      .init("interval", .object(interval), isOptional: true), .init("verdict", .words(Verdict.self)),
      .init("detail", .text, isOptional: true),
    ])

  private static let threat = AnswerType(
    "ReportedThreat", "What an adversary may change.", [.init("norm", .words(Norm.self)), .init("epsilon", .share)])

  /// The settings depend on the attack's name.
  private static let attackMembers: [Member] = [
    .init("attack", .open, "Its name and its settings."), .init("label", .text), .init("robust_accuracy", .object(proportion)),
    .init("gradient_evaluations", .count), .init("forward_passes", .count), .init("seconds", .share),
  ]

  private static let attacked = AnswerType(
    "AttackResult", "What one attack left correct.",
    attackMembers + [
      .init("correct_per_class", .list(.count)), .init("passes", .count, isOptional: true),
      .init("mean_distance", .figure, isOptional: true), .init("median_distance", .figure, isOptional: true),
      .init("median_distance_interval", .object(interval), isOptional: true),
      .init(
        "parts",
        .list(
          .object(
            AnswerType(
              "AttackPart", "One attack of a sequence.",
              attackMembers + [.init("fallen", .count, "Correct before it and not after."), .init("passes", .count)]))),
        isOptional: true),
    ])

  private static let ofClass = AnswerType(
    "ClassResult", "The accuracies of one class.",
    [.init("name", .text), .init("clean_accuracy", .object(proportion)), .init("robust_accuracy", .object(proportion))])

  private static let underThreat: [Member] = [
    .init("threat", .object(threat)), .init("attacks", .list(.object(attacked))),
    .init("worst_case", .object(proportion), "Under all attacks."), .init("per_class", .list(.object(ofClass))),
    .init("worst_class", .object(ofClass), isOptional: true), .init("warnings", .list(.object(finding))),
  ]

  private static let evaluation = AnswerType(
    "EvaluationResult", "The accuracies of a model.",
    underThreat + [
      .init("clean_accuracy", .object(proportion)), .init("curve_attack", .text, isOptional: true),
      .init(
        "curve",
        .list(
          .object(
            AnswerType(
              "CurvePoint", "The accuracy at one epsilon.",
              [
                .init("epsilon", .share), .init("accuracy", .object(proportion)),
                .init("union", .object(proportion), "Under all attacks, at the threat's own epsilon.", isOptional: true),
              ])))),
      .init("gradient_evaluations", .count), .init("forward_passes", .count), .init("seconds", .share),
      .init("threats", .list(.object(AnswerType("ThreatResult", "The results against a further threat.", underThreat))), isOptional: true),
      .init("union_of_threats", .object(proportion), isOptional: true),
      .init(
        "transfer",
        .object(
          AnswerType(
            "TransferResult", "The attacks made without the preprocessing.",
            [.init("attacks", .list(.object(attacked))), .init("worst_case", .object(proportion))])),
        isOptional: true),
      .init("certificate", .object(certificate), isOptional: true),
      .init("confusion", .object(confusion), isOptional: true),
    ])

  private static let confusion = AnswerType(
    "Confusion", "How often each class was answered to each, by the true class and the predicted one; of up to 100 classes.",
    [.init("clean", .list(.list(.count))), .init("under_attack", .list(.list(.count)))])

  private static let certificate = AnswerType(
    "CertificateResult", "What was proved.",
    [
      .init("method", .text), .init("norm", .words(Norm.self)), .init("radius", .share), .init("certified_accuracy", .object(proportion)),
      .init(
        "radii",
        .list(
          .object(
            AnswerType(
              "CertifiedRadius", "What was proved at one radius.",
              [.init("radius", .share), .init("certified_accuracy", .object(proportion))])))),
      .init("smoothing", .open, isOptional: true), .init("smoothed_accuracy", .object(proportion), isOptional: true),
      .init("abstentions", .count, isOptional: true), .init("forward_passes", .count), .init("seconds", .share),
    ])

  static let difference = AnswerType(
    "PairedDifference", "The difference of two models on the same examples.",
    [
      .init("value", .figure), .init("interval", .object(interval)), .init("p", .figure), .init("both", .count), .init("gained", .count),
      .init("lost", .count), .init("neither", .count),
    ])

  static let attackDifference = AnswerType(
    "AttackDifference", "The difference under one attack.",
    [.init("label", .text), .init("robust_accuracy", .object(difference))])

  private static let comparison = AnswerType(
    "Comparison", "The final model against the baseline.",
    [
      .init("clean_accuracy", .object(difference)), .init("robust_accuracy", .object(difference)),
      .init(
        "attacks",
        .list(.object(attackDifference))),
    ])
}
