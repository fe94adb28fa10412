import Attacks

/// How the weights learn from each batch.
package enum TrainingMethod: String, CaseIterable, Hashable, Sendable {
  /// On clean images alone.
  case standard
  /// On examples of a single step: FGSM (Goodfellow et al. 2015, arXiv:1412.6572); with a random start Fast-AT (Wong et al. 2020,
  /// arXiv:2001.03994).
  case fgsm
  /// On examples of projected gradient descent (Madry et al. 2018, arXiv:1706.06083).
  case pgd

  /// The attack that a method trains with when none is given; nil for `standard`, which attacks nothing.
  package var defaultAttack: AttackSettings? {
    switch self {
    case .standard: nil
    case .fgsm: AttackSettings(.fgsm)
    case .pgd: AttackSettings(.pgd, ["steps": 7])
    }
  }

  /// The one attack that a method trains with; nil where it takes any.
  package var onlyAttack: AttackDefinition? { self == .fgsm ? .fgsm : nil }
}
