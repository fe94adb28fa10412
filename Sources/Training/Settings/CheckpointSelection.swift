/// Which checkpoint a run hands over as its result.
package enum CheckpointSelection: String, CaseIterable, Hashable, Sendable {
  /// That of the highest robust accuracy on the validation part; where none is above chance, of the highest sum with the clean accuracy.
  case bestRobust = "best_robust"
  /// That of the highest clean accuracy on the validation part.
  case bestClean = "best_clean"
  /// That of the last epoch.
  case last

  /// The role of the checkpoint that is chosen.
  package var role: CheckpointRole {
    switch self {
    case .bestRobust: .bestRobust
    case .bestClean: .bestClean
    case .last: .last
    }
  }
}
