import Attacks
import JSON

/// How an evaluation proves that no attack can succeed, where it does.
package enum CertificateSettings: Hashable, Sendable, Codable {
  /// Interval bounds of the network within the job's own threat (Gowal et al. 2018, arXiv:1810.12715).
  case intervalBounds
  /// Randomised smoothing (Cohen et al. 2019, arXiv:1902.02918).
  case smoothing(Smoothing)

  /// The smoothed classifier answers what the network answers most often to an image with Gaussian noise.
  package struct Smoothing: Hashable, Sendable, Codable {
    /// The deviation of the noise, in units of pixels.
    package let sigma: Double
    /// The noisy images that choose the class, and those that its probability is estimated from.
    package let selection, estimation: Int
    /// The probability that a certificate is wrong.
    package let alpha: Double
    /// The lengths in L2 at which accuracy is told; the first is the one that a gate judges. At least one.
    package let radii: [Double]

    package init(sigma: Double, selection: Int = 100, estimation: Int = 10_000, alpha: Double = 0.001, radii: [Double]) {
      precondition(!radii.isEmpty, "a certificate is for a radius")
      self.sigma = sigma
      self.selection = selection
      self.estimation = estimation
      self.alpha = alpha
      self.radii = radii
    }

    private enum CodingKeys: String, CodingKey {
      case sigma, alpha, radii
      case selection = "n0"
      case estimation = "n"
    }
  }

  package enum Method: String, CaseIterable, Hashable, Sendable, Codable { case ibp, smoothing }

  package var method: Method {
    switch self {
    case .intervalBounds: .ibp
    case .smoothing: .smoothing
    }
  }

  /// Forward passes over one example. Bounds take one for the centre and one for the radius.
  package var passes: Int {
    switch self {
    case .intervalBounds: 2
    case .smoothing(let smoothing): smoothing.selection + smoothing.estimation
    }
  }

  /// Why a certificate against this threat cannot be had, in a sentence.
  package func refusal(of threat: Threat) -> String? {
    guard case .intervalBounds = self, threat.norm != .linf else { return nil }
    return """
      interval bounds are for the norm linf, and the threat's is \(threat.norm.rawValue): choose smoothing, which certifies in l2, or another \
      norm
      """
  }
}

// MARK: As a document

extension CertificateSettings {
  /// `{"method": "ibp"}`, or `{"method": "smoothing", "sigma": 0.25, …}`.
  package static var object: ObjectType {
    ObjectType(
      "Certificate", "A proof that no attack can succeed.",
      variants: Variants(
        "method",
        [
          Variants.Variant(
            Method.ibp.rawValue,
            "Verified accuracy by interval bounds within the job's own threat, in linf (Gowal et al. 2018, arXiv:1810.12715). What rounding may do, in the bounds and in the network, is part of them.",
            []),
          Variants.Variant(
            Method.smoothing.rawValue,
            "Randomised smoothing: certified accuracy in L2 of what the network answers most often to noisy images (Cohen et al. 2019, arXiv:1902.02918).",
            [
              Field("sigma", .number(above: 0, to: 10, unit: .pixels), default: 0.25, help: "The deviation of the Gaussian noise."),
              Field("n0", .integer(1...1_000_000), default: 100, help: "Noisy images of each example that choose its class."),
              Field(
                "n", .integer(1...10_000_000), default: 10_000,
                help: "Further noisy images, from which the lower bound of that class's probability is taken (Clopper and Pearson 1934)."),
              Field("alpha", .number(between: 0, and: 0.5), default: 0.001, help: "The probability that a certificate is wrong."),
              Field(
                "radii", .list(.number(atLeast: 0, unit: .pixels), count: 1...32),
                help: """
                  Lengths in L2 at which accuracy is told; a gate judges the first. By default that of the threat where its norm is l2, \
                  otherwise sigma, and twice and three times that.
                  """),
            ]),
        ], help: "How it is proved."))
  }

  /// - Parameter values: an object of `object`, after it was read, with radii.
  package init(_ values: FieldValues) {
    switch values.word("method", as: Method.self) {
    case .ibp: self = .intervalBounds
    case .smoothing:
      self = .smoothing(
        Smoothing(
          sigma: values.number("sigma"), selection: values.integer("n0"), estimation: values.integer("n"), alpha: values.number("alpha"),
          radii: values.numbers("radii")))
    }
  }

  /// The radii that stand where none are given.
  package static func usualRadii(sigma: Double, _ threat: Threat) -> [Double] {
    threat.norm == .l2 ? [threat.epsilon] : (1...3).map { (Double($0) * sigma * 1e6).rounded() / 1e6 }
  }
}
