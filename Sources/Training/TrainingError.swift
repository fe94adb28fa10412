import Foundation

/// Why a run cannot go on, in a sentence. It never holds a path.
package enum TrainingError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
  /// The loss or a weight is NaN or infinite; checkpoints of earlier epochs stay as they are.
  case diverged(epoch: Int, step: Int, learningRate: Double)
  /// The dataset leaves nothing to train on, or does not fit the network.
  case unsuitable(String)
  /// The state to resume from is that of another run, or names a checkpoint that has gone.
  case cannotResume(String)

  package var description: String {
    switch self {
    case .diverged(let epoch, let step, let rate):
      "training diverged: the loss at epoch \(epoch), step \(step) is not a finite number (learning rate \(rate)); lower the learning rate"
    case .unsuitable(let detail), .cannotResume(let detail): detail
    }
  }

  package var errorDescription: String? { description }
}
