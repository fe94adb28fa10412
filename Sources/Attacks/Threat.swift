/// How the size of a perturbation is measured.
package enum Norm: String, CaseIterable, Hashable, Sendable, Codable {
  case linf, l2
}

/// What an adversary may do to an image: move it by at most `epsilon` in `norm`, within the box [0, 1].
package struct Threat: Hashable, Sendable, Codable {
  package var norm: Norm
  /// In units of pixels scaled to [0, 1], before any normalisation (which is part of the model).
  package var epsilon: Double

  package init(norm: Norm, epsilon: Double) {
    self.norm = norm
    self.epsilon = epsilon
  }
}
