import Files
import JSON
import Robustness

/// Two jobs beside each other: where their specs differ, what their reports say, and whether the difference may be chance.
package struct JobComparison: Sendable {
  /// What is known of one of them.
  package struct Side: Sendable {
    /// Its id, or the folder of a run.
    let name: String
    let spec: JSONValue
    /// `nil` as long as it has no report.
    let figures: ReportFigures?
    let evidence: OpenFile?

    package init(name: String, spec: JSONValue, figures: ReportFigures?, evidence: OpenFile?) {
      self.name = name
      self.spec = spec
      self.figures = figures
      self.evidence = evidence
    }
  }

  /// A field in which the completed specs differ, with the value of each.
  package struct Difference: Hashable, Sendable {
    package let pointer: String
    package let first: JSONValue
    package let second: JSONValue
  }

  /// The test on the same images, example by example. What is gained, the second alone gets right.
  package struct Paired: Sendable {
    /// `nil` where the jobs were evaluated on other images.
    package var clean: PairedDifference?
    /// Under all attacks together, and under each; `nil` where the jobs were not attacked alike.
    package var attacked: Comparison?
    /// Why something is missing, as a sentence.
    package var reason: String?
  }

  package let first, second: Side
  package let differences: [Difference]
  package let paired: Paired

  /// - Throws: `EvidenceError` and others when an evidence cannot be read.
  package init(_ first: Side, _ second: Side) throws {
    self.first = first
    self.second = second
    differences = Self.differences(first.spec, second.spec)
    paired = try Self.paired(first, second)
  }

  // MARK: Specs

  private static func differences(_ first: JSONValue, _ second: JSONValue) -> [Difference] {
    let (one, other) = (fields(of: first), fields(of: second))
    return Set(one.keys).union(other.keys).sorted().compactMap { pointer in
      let (before, after) = (one[pointer] ?? .null, other[pointer] ?? .null)
      // An empty list of labels is none.
      return before == after || [before, after].allSatisfy { $0 == .null || $0 == [:] }
        ? nil : Difference(pointer: pointer, first: before, second: after)
    }
  }

  /// Every value that holds no other, by its RFC 6901 pointer.
  private static func fields(of value: JSONValue, at pointer: String = "") -> [String: JSONValue] {
    switch value {
    case .object(let object) where !object.keys.isEmpty:
      object.members.reduce(into: [:]) { $0.merge(fields(of: $1.value, at: FieldReader.pointer(pointer, $1.key))) { $1 } }
    case .array(let elements) where !elements.isEmpty:
      elements.enumerated().reduce(into: [:]) { $0.merge(fields(of: $1.element, at: "\(pointer)/\($1.offset)")) { $1 } }
    default: [pointer: value]
    }
  }

  // MARK: The test

  private static func paired(_ first: Side, _ second: Side) throws -> Paired {
    guard let files = first.evidence.flatMap({ one in second.evidence.map { (one, $0) } }) else {
      let without = first.evidence == nil ? first.name : second.name
      return Paired(reason: "\(without) has no evidence, which says what became of each image.")
    }
    let (one, other) = (try StoredEvidence(files.0), try StoredEvidence(files.1))
    let (before, after) = (try one.outcomes(), try other.outcomes())
    guard one.description["dataset"]?["sha256"] == other.description["dataset"]?["sha256"], before.ids == after.ids else {
      return Paired(
        reason: "They were not evaluated on the same images; of fewer samples than there are test images, the seed chooses them.")
    }
    var paired = Paired(clean: PairedDifference(after.clean, baseline: before.clean))
    if one.description["threat"] != other.description["threat"] {
      paired.reason = "Their threats differ, so only the clean images are tested."
    } else if one.description["attacks"] != other.description["attacks"] || one.description["seed"] != other.description["seed"] {
      paired.reason = "They were not attacked alike (attacks, their settings, the seed), so only the clean images are tested."
    } else {
      paired.attacked = Comparison(after, baseline: before, attacks: one.attacks)
    }
    return paired
  }

  // MARK: As JSON

  package var json: JSONValue {
    get throws {
      let metrics = Set((first.figures?.figures ?? [:]).keys).union((second.figures?.figures ?? [:]).keys).sorted()
      return [
        "object": "comparison", "jobs": [.string(first.name), .string(second.name)],
        "spec": .array(differences.map { ["pointer": .string($0.pointer), "values": [$0.first, $0.second]] }),
        "verdicts": [.orNull(first.figures?.verdict.rawValue), .orNull(second.figures?.verdict.rawValue)],
        "figures": .array(
          try metrics.map { metric in
            ["metric": .string(metric), "values": [try Self.figure(metric, first), try Self.figure(metric, second)]]
          }),
        "paired": [
          "clean_accuracy": try paired.clean.map { try JSONValue(encoding: $0) } ?? .null,
          "robust_accuracy": try paired.attacked.map { try JSONValue(encoding: $0.robustAccuracy) } ?? .null,
          "attacks": try paired.attacked.map { try JSONValue(encoding: $0.attacks) } ?? [],
          "reason": .orNull(paired.reason),
        ],
      ]
    }
  }

  private static func figure(_ metric: String, _ side: Side) throws -> JSONValue {
    try side.figures?.figures[metric].map { try JSONValue(encoding: $0) } ?? .null
  }
}
