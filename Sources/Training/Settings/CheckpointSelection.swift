/// Which checkpoint a run hands over as its result.
package enum CheckpointSelection: String, CaseIterable, Hashable, Sendable {
  /// That of the highest robust accuracy on the validation part, raw or averaged; where none is above chance, of the highest sum with the clean accuracy.
  case bestRobust = "best_robust"
  /// That of the highest clean accuracy on the validation part.
  case bestClean = "best_clean"
  /// That of the last epoch.
  case last
  /// The average of the weights after the last epoch.
  case averaged

  /// The role of the checkpoint that is chosen.
  package var role: CheckpointRole {
    switch self {
    case .bestRobust: .bestRobust
    case .bestClean: .bestClean
    case .last: .last
    case .averaged: .averaged
    }
  }
}
