import Attacks
import Jobs
import Robustness

/// Answers about several jobs.
extension AnswerType {
  static let jobComparison = AnswerType(
    "JobComparison", "Two jobs beside each other; every list of values is in the order of jobs.",
    [
      .init("object", .constant("comparison")), .init("jobs", .list(id(.job))),
      .init("spec", .list(.object(specDifference)), "The fields in which the completed specs differ."),
      .init("verdicts", .list(.orNull(.words(Verdict.self)))), .init("figures", .list(.object(comparedFigure))),
      .init("paired", .object(paired)),
    ])

  private static let specDifference = AnswerType(
    "SpecDifference", "A field with the value of each.",
    [.init("pointer", .text, "RFC 6901"), .init("values", .list(.anything), "null where it is not there.")])

  private static let comparedFigure = AnswerType(
    "ComparedFigure", "A figure of each.",
    [.init("metric", .words(Gate.Metric.self)), .init("values", .list(.orNull(.object(figure))))])

  private static let paired = AnswerType(
    "PairedTest", "McNemar's exact test and Newcombe's interval on the same images; what is gained, the second job alone gets right.",
    [
      .init("clean_accuracy", .orNull(.object(difference)), "null where the jobs were evaluated on other images."),
      .init("robust_accuracy", .orNull(.object(difference)), "Under all attacks; null where the jobs were not attacked alike."),
      .init("attacks", .list(.object(attackDifference))), .init("reason", .orNull(.text), "Why something is missing."),
    ])

  static let leaderboard = AnswerType(
    "Leaderboard", "Jobs by their robust accuracy, within each data set, norm and epsilon.",
    [.init("object", .constant("leaderboard")), .init("data", .list(.object(leaderboardRow)))])

  private static let leaderboardRow = AnswerType(
    "LeaderboardRow", "A job with its place.",
    [
      .init("place", .orNull(.integer(atLeast: 1)), "null where the evaluation is not strong, or a diagnostic discredits it."),
      .init("job", id(.job)), .init("name", .orNull(.text)), .init("dataset", .text), .init("norm", .words(Norm.self)),
      .init("epsilon", .share), .init("architecture", .orNull(.text)), .init("method", .orNull(.text)), .init("samples", .count),
      .init("strong", .boolean, "Whether a verdict may rest on its evaluation."), .init("verdict", .words(Verdict.self)),
      .init("figures", .map(.object(figure)), "By the names of a gate's metric."), .init("discredited_by", .list(.text)),
      .init("finished_at", .orNull(.timestamp)),
    ])
}
