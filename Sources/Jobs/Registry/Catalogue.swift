import Datasets
import Models
import TensorEngine

/// What a spec needs to know of a data set before it is loaded.
package struct DatasetFacts: Hashable, Sendable {
  package var shape: Shape
  package var classes: Int
  package var classNames: [String]
  /// With those that are held out.
  package var trainCount: Int
  /// How many of them the data set's makers held out; 0 where they did not.
  package var givenValidation: Int
  /// The training images of each class that are not held out by its makers, by label.
  package var trainPerClass: [Int]
  package var testCount: Int
  /// The memory that its pixels take; none where they stay in a file.
  package var pixelBytes: Int

  package init(_ dataset: Dataset) { self.init(dataset.summary, pixelBytes: dataset.pixelBytes) }

  package init(_ summary: DatasetSummary, pixelBytes: Int = 0) {
    shape = Shape(summary.shape)
    classes = summary.classes
    classNames = summary.classNames
    givenValidation = summary.validation?.count ?? 0
    trainCount = summary.train.count + givenValidation
    trainPerClass = summary.train.perClass
    testCount = summary.test.count
    self.pixelBytes = pixelBytes
  }
}

/// Where the names in a spec lead.
package protocol Catalogue: Sendable {
  /// - Returns: `nil` when there is no such data set. Throws a sentence when it cannot be used.
  func facts(of dataset: DatasetSection.Reference) throws -> DatasetFacts?
  /// - Returns: `nil` when there are no such weights.
  func weights(_ id: String) throws -> StoredWeights?
  /// Names and shapes of those weights, without their values.
  func outline(ofWeights id: String) throws -> [TensorOutline]?
  /// What those weights' file says of their network.
  func metadata(ofWeights id: String) throws -> [String: String]?
  /// The id of the weights that a name such as `job_…/best_robust` stands for now, so that a job keeps them; the name itself where it is
  /// an id already, or stands for nothing.
  func pinned(_ name: String) throws -> String
  /// - Returns: the id of the weights that the newest job with these labels left that succeeded; `nil` when there is none.
  func weights(labelled labels: [String: String]) throws -> String?
  /// - Returns: `nil` when there is no such job.
  func state(ofJob id: String) throws -> JobState?
  /// - Throws: `NotFound`, `DatasetError`.
  func load(_ dataset: DatasetSection.Reference) throws -> Dataset
}

extension Catalogue {
  /// Without a store there are no other jobs.
  package func state(ofJob id: String) throws -> JobState? { nil }
}
