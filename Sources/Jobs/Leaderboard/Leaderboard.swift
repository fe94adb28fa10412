import Foundation
import JSON
import Robustness

/// The jobs that were evaluated on the same data against the same threat, the most robust first.
///
/// A place has only who can be compared: a strong evaluation (see `EvaluationStrength`) that no diagnostic discredits. The others follow,
/// without a place.
package struct Leaderboard: Sendable {
  package struct Row: Sendable {
    package let job: String
    package let name: String?
    package let dataset: String
    /// The norm of the threat, as in a spec.
    package let norm: String
    package let epsilon: Double
    /// `nil` for a network of layers or of a file.
    package let architecture: String?
    /// `nil` where nothing was trained.
    package let method: String?
    /// At most so many test images were attacked.
    package let samples: Int
    package let isStrong: Bool
    package let figures: ReportFigures
    package let finishedAt: Timestamp?

    fileprivate var mayBePlaced: Bool { isStrong && figures.discreditedBy.isEmpty && robust != nil }
    fileprivate var robust: Double? { figures.figures[Gate.Metric.robustAccuracy.rawValue]?.value }
    fileprivate var board: Board { Board(dataset: dataset, norm: norm, epsilon: epsilon) }
  }

  /// What the jobs of one ranking have in common.
  fileprivate struct Board: Hashable, Comparable {
    let dataset: String
    let norm: String
    let epsilon: Double

    static func < (one: Board, other: Board) -> Bool {
      (one.dataset, one.norm, one.epsilon) < (other.dataset, other.norm, other.epsilon)
    }
  }

  /// In their order, each with its place.
  package let rows: [(place: Int?, row: Row)]

  package init(_ rows: [Row]) {
    let boards = Dictionary(grouping: rows, by: \.board)
    self.rows = boards.keys.sorted().flatMap { Self.ranked(boards[$0] ?? []) }
  }

  /// Equal accuracies share a place.
  private static func ranked(_ rows: [Row]) -> [(place: Int?, row: Row)] {
    let ordered = rows.sorted {
      ($0.mayBePlaced ? 0 : 1, -($0.robust ?? -1), $0.job) < ($1.mayBePlaced ? 0 : 1, -($1.robust ?? -1), $1.job)
    }
    return ordered.map { row in
      (row.mayBePlaced ? 1 + ordered.count { $0.mayBePlaced && ($0.robust ?? 0) > (row.robust ?? 0) } : nil, row)
    }
  }

  private static let metrics = Gate.Metric.allCases.map(\.rawValue)

  package var json: JSONValue {
    get throws {
      [
        "object": "leaderboard",
        "data": .array(
          try rows.map { place, row in
            [
              "place": .orNull(place), "job": .string(row.job), "name": .orNull(row.name), "dataset": .string(row.dataset),
              "norm": .string(row.norm), "epsilon": .number(row.epsilon), "architecture": .orNull(row.architecture),
              "method": .orNull(row.method), "samples": .int(Int64(row.samples)), "strong": .bool(row.isStrong),
              "verdict": .string(row.figures.verdict.rawValue), "figures": try JSONValue(encoding: row.figures.figures),
              "discredited_by": .array(row.figures.discreditedBy.map(JSONValue.string)),
              "finished_at": .orNull(row.finishedAt?.description),
            ]
          }),
      ]
    }
  }

  /// RFC 4180: a row for each job, three columns for each figure.
  package var csv: String {
    let columns =
      ["place", "job", "name", "dataset", "norm", "epsilon", "architecture", "method", "samples", "strong", "verdict"]
      + Self.metrics.flatMap { [$0, "\($0)_low", "\($0)_high"] } + ["discredited_by", "finished_at"]
    let lines = rows.map { place, row -> [String] in
      let facts = [
        place.map(String.init) ?? "", row.job, row.name ?? "", row.dataset, row.norm, "\(row.epsilon)", row.architecture ?? "",
        row.method ?? "", "\(row.samples)", "\(row.isStrong)", row.figures.verdict.rawValue,
      ]
      let figures = Self.metrics.flatMap { metric -> [String] in
        row.figures.figures[metric].map { ["\($0.value)", "\($0.low)", "\($0.high)"] } ?? ["", "", ""]
      }
      return facts + figures + [row.figures.discreditedBy.joined(separator: " "), row.finishedAt?.description ?? ""]
    }
    return ([columns] + lines).map { $0.map(CSVCell.text).joined(separator: ",") + "\r\n" }.joined()
  }
}
