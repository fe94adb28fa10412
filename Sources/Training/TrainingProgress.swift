/// Where a run stands.
///
/// Sent before and after each batch; whoever shows or stores them thins them to what it needs.
package struct TrainingProgress: Hashable, Sendable {
  package var phase: TrainingPhase
  /// Counted from 1 over both stages; `epochs` in all.
  package var epoch: Int
  package var epochs: Int
  /// Batches of this epoch that are done, of `steps`.
  package var step: Int
  package var steps: Int
  /// The part of the run's work that is done, in [0, 1], by passes through the network.
  package var fraction: Double
  package var learningRate: Double
  /// The mean over this epoch so far; nil before its first batch is done.
  package var loss: Double?
  /// Of the clean examples trained on in this epoch so far; nil when there were none.
  package var cleanAccuracy: Double?
  /// Of the adversarial examples trained on in this epoch so far; nil when there were none.
  package var adversarialAccuracy: Double?
  /// Of the latest batches.
  package var examplesPerSecond: Double?
}
