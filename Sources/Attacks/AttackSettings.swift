/// An attack as a job spec names it. `nil` stands for the attack's own default.
package struct AttackSettings: Hashable, Sendable, Codable {
  package enum Name: String, CaseIterable, Hashable, Sendable, Codable {
    /// One step of epsilon along the gradient's sign (Goodfellow et al. 2015, arXiv:1412.6572).
    case fgsm
    /// Projected gradient descent (Madry et al. 2018, arXiv:1706.06083).
    case pgd
    /// Uniform noise in the ball: the control that every attack must beat.
    case noise
    /// An optimiser on the input: Adam lowers the true class's output, then the result is clipped.
    case adam
  }

  package var name: Name
  package var steps: Int
  /// In pixels; `nil`: epsilon for `fgsm` (1.25 epsilon from a random start), 2.5 epsilon / steps for `pgd` (Madry's rule), 0.01 (Adam's
  /// learning rate) for `adam`.
  package var stepSize: Double?
  package var randomStart: Bool
  package var restarts: Int

  package init(name: Name, steps: Int? = nil, stepSize: Double? = nil, randomStart: Bool? = nil, restarts: Int = 1) {
    self.name = name
    self.steps = steps ?? Self.defaultSteps(name)
    self.stepSize = stepSize
    self.randomStart = randomStart ?? Self.defaultRandomStart(name)
    self.restarts = restarts
  }

  package static func defaultSteps(_ name: Name) -> Int {
    switch name {
    case .fgsm, .noise: 1
    case .pgd: 40
    case .adam: 10
    }
  }

  package static func defaultRandomStart(_ name: Name) -> Bool { name == .pgd || name == .noise }

  private enum CodingKeys: String, CodingKey {
    case name, steps
    case stepSize = "step_size"
    case randomStart = "random_start"
    case restarts
  }
}
