import Attacks

/// What was proved of a model: how many examples are classified correctly, whatever an adversary does within a radius.
package struct Certificate: Hashable, Sendable, Codable {
  package struct AtRadius: Hashable, Sendable, Codable {
    package var radius: Double
    package var certifiedAccuracy: Proportion

    private enum CodingKeys: String, CodingKey {
      case radius
      case certifiedAccuracy = "certified_accuracy"
    }
  }

  package var method: CertificateSettings.Method
  package var norm: Norm
  /// The radius of `certifiedAccuracy`, and that itself: what a gate judges.
  package var radius: Double
  package var certifiedAccuracy: Proportion
  /// The same at every radius that was asked for; the first is the one above.
  package var radii: [AtRadius]
  /// Of smoothing: its settings, the accuracy of the smoothed classifier, and the examples for which no class was certain enough.
  package var smoothing: CertificateSettings.Smoothing?
  package var smoothedAccuracy: Proportion?
  package var abstentions: Int?
  package var forwardPasses: Int
  package var seconds: Double

  private enum CodingKeys: String, CodingKey {
    case method, norm, radius, radii, smoothing, abstentions, seconds
    case certifiedAccuracy = "certified_accuracy"
    case smoothedAccuracy = "smoothed_accuracy"
    case forwardPasses = "forward_passes"
  }

  /// By interval bounds.
  init(verified: [Bool], within threat: Threat, forwardPasses: Int, seconds: Double) {
    method = .ibp
    norm = threat.norm
    radius = threat.epsilon
    certifiedAccuracy = Proportion(verified)
    radii = [AtRadius(radius: radius, certifiedAccuracy: certifiedAccuracy)]
    self.forwardPasses = forwardPasses
    self.seconds = seconds
  }

  /// By smoothing.
  ///
  /// - Parameter certified: the radius within which the class of each example is certified, where it is the right one.
  init(
    certified: [Double?], abstentions: Int, _ smoothing: CertificateSettings.Smoothing, forwardPasses: Int, seconds: Double
  ) {
    method = .smoothing
    norm = .l2
    radii = smoothing.radii.map { radius in
      AtRadius(radius: radius, certifiedAccuracy: Proportion(certified.map { ($0 ?? -.infinity) >= radius }))
    }
    radius = radii[0].radius
    certifiedAccuracy = radii[0].certifiedAccuracy
    self.smoothing = smoothing
    smoothedAccuracy = Proportion(certified.map { $0 != nil })
    self.abstentions = abstentions
    self.forwardPasses = forwardPasses
    self.seconds = seconds
  }

  /// What is certified, as a row of a table names it.
  func title(_ radius: Double) -> String {
    let how =
      switch method {
      case .ibp: "interval bounds"
      case .smoothing: "smoothing"
      }
    return "certified by \(how), \(norm.symbol) ≤ \(radius)"
  }
}

extension Warning {
  /// An example is certified and an attack within the certified radius succeeded: one of the two is wrong, and it is not the attack.
  static func unsoundCertificate(_ verified: [Bool], standing: [Bool]) -> Warning? {
    let count = zip(verified, standing).count { $0 && !$1 }
    guard count > 0 else { return nil }
    return Warning(
      code: unsoundCertificateCode,
      detail:
        "\(count) examples are certified and yet fell to an attack within the same bound: the certificate does not hold. Please report this."
    )
  }

  static let unsoundCertificateCode = "unsound_certificate"
}
