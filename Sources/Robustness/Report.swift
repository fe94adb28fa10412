import JSON
import Foundation

/// The result of a job: everything it found out about a model's robustness, as one JSON document with names in snake case.
package struct Report: Hashable, Sendable, Codable {
  package struct Dataset: Hashable, Sendable, Codable {
    package var id: String
    package var name: String
    /// The shape of one image, `[height, width, channels]`.
    package var shape: [Int]
    package var classes: [String]
    /// The numbers of examples for training, for validation, and in the test set.
    package var trainCount: Int
    package var validationCount: Int
    package var testCount: Int
    /// The number of test examples that were evaluated.
    package var evaluatedCount: Int
    /// Which these were: see `ExampleOutcomes.digest(of:)`.
    package var evaluatedSHA256: String?

    package init(
      id: String, name: String, shape: [Int], classes: [String], trainCount: Int, validationCount: Int, testCount: Int, evaluatedCount: Int,
      evaluatedSHA256: String? = nil
    ) {
      self.id = id
      self.name = name
      self.shape = shape
      self.classes = classes
      self.trainCount = trainCount
      self.validationCount = validationCount
      self.testCount = testCount
      self.evaluatedCount = evaluatedCount
      self.evaluatedSHA256 = evaluatedSHA256
    }

    private enum CodingKeys: String, CodingKey {
      case id, name, shape, classes
      case trainCount = "train_count"
      case validationCount = "validation_count"
      case testCount = "test_count"
      case evaluatedCount = "evaluated_count"
      case evaluatedSHA256 = "evaluated_ids_sha256"
    }
  }

  package struct Model: Hashable, Sendable, Codable {
    package var architecture: String
    package var parameters: Int
    /// SHA-256 of the final model's weight file, hexadecimal.
    package var sha256: String
    /// The same for the base model, if there is one.
    package var baseSHA256: String?

    package init(architecture: String, parameters: Int, sha256: String, baseSHA256: String? = nil) {
      self.architecture = architecture
      self.parameters = parameters
      self.sha256 = sha256
      self.baseSHA256 = baseSHA256
    }

    private enum CodingKeys: String, CodingKey {
      case architecture, parameters, sha256
      case baseSHA256 = "base_sha256"
    }
  }

  package var dataset: Dataset
  package var model: Model
  /// The spec, completed with all defaults.
  package var spec: JSONValue
  /// The base model; `nil` when nothing was trained.
  package var before: Evaluation?
  /// The final model, which the gates judge.
  package var after: Evaluation
  /// The final model against the baseline; `nil` without a baseline.
  package var comparison: Comparison?
  /// Wall time by phase, in seconds.
  package var seconds: [String: Double]
  package var warnings: [Warning]
  package var gates: [GateResult]
  package var verdict: Verdict

  /// Judges `after` by `gates`.
  ///
  /// - Parameters:
  ///   - comparison: with the baseline.
  ///   - warnings: those of the training. The warnings of the gates and of the final model's evaluation are added. Those about the base
  ///     model are not, because they say nothing about the final one.
  package init(
    dataset: Dataset, model: Model, spec: JSONValue, before: Evaluation?, after: Evaluation, comparison: Comparison? = nil,
    seconds: [String: Double], warnings: [Warning], gates: [Gate]
  ) {
    let found = warnings + after.warnings
    let judged = gates.map { $0.judge(after, comparison: comparison, warnings: found) }
    self.dataset = dataset
    self.model = model
    self.spec = spec
    self.before = before
    self.after = after
    self.comparison = comparison
    self.seconds = seconds
    self.warnings = found + [Warning.noGates(gates)].compactMap { $0 } + judged.compactMap(Warning.sampleTooSmall)
    self.gates = judged
    verdict = Verdict(of: judged)
  }

  /// Indented, keys sorted, `"NaN"` and `"Infinity"` as strings.
  package func json() throws -> String { try JSONValue(encoding: self).serialised(pretty: true) }

  /// Reads what `json()` wrote.
  package init(json: some Sequence<UInt8>) throws { self = try JSONValue(parsing: json).decoded(as: Report.self) }
}
