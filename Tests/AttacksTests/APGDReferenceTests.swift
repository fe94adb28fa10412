import Attacks
import Foundation
import TensorEngine
import Testing

/// Stored values of the authors' code, from `Tests/Peers/apgd_reference.py`: the same network, images, labels and starts as here.
@Suite("The same search as the authors' Auto-PGD") struct APGDReferenceTests {
  /// The point of the highest loss of each image after 100 iterations in L∞ and 20 in L2 and L1; of apgd_t towards the class ranked second.
  struct Case {
    var attack: AttackDefinition
    var norm: Norm
    var best: [Float]
    /// Of the four, those that are compared: in L1 a search of the first on the cross-entropy turns on the rounding of a gradient.
    var images = 0..<4

    var threat: Threat { Threat(norm: norm, epsilon: norm == .linf ? 0.1 : norm == .l2 ? 0.3 : 0.5) }
  }

  private static let cases = [
    Case(
      attack: .apgdCE, norm: .linf,
      best: [
        0.463504, 0.243005, 0.863213, 0.245857, 0.802656, 0.01125, 0.0317753, 0.695644, 0.394109, 0.704179, 0.403583, 0.288862,
        0.0024454, 0.83645, 0.150004, 1, 0.000594832, 0.738208, 0.407566, 0.5003, 0.397659, 0.89263, 0.0340793, 0.817958,
      ]),
    Case(
      attack: .apgdDLR, norm: .linf,
      best: [
        0.663504, 0.231755, 0.663213, 0.257107, 1, 0, 0.0317753, 0.695644, 0.394109, 0.504179, 0.403583, 0.488862, 0.0024454,
        0.83645, 0.150004, 1, 0.000594832, 0.938208, 0.407566, 0.5003, 0.397659, 0.89263, 0.0340793, 0.817958,
      ]),
    Case(
      attack: .apgdT, norm: .linf,
      best: [
        0.663504, 0.231755, 0.663213, 0.257107, 1, 0, 0.0317753, 0.695644, 0.394109, 0.504179, 0.403583, 0.488862, 0.0024454,
        0.83645, 0.150004, 1, 0.000594832, 0.938208, 0.407566, 0.5003, 0.397659, 0.89263, 0.0340793, 0.817958,
      ]),
    Case(
      attack: .apgdCE, norm: .l2,
      best: [
        0.438941, 0.222045, 0.910851, 0.244012, 0.722433, 0.0855922, 0.104779, 0.620541, 0.366216, 0.7607, 0.391155, 0.261301, 0,
        0.800553, 0.252723, 1, 0, 0.812953, 0.365047, 0.481305, 0.471446, 0.867714, 0, 0.893847,
      ]),
    Case(
      attack: .apgdDLR, norm: .l2,
      best: [
        0.572302, 0.134076, 0.805581, 0.343205, 0.812777, 0, 0, 0.730811, 0.474031, 0.622634, 0.319062, 0.417813, 0, 0.830986,
        0.233308, 0.992202, 0, 0.836863, 0.401739, 0.453238, 0.441847, 0.903208, 0, 0.852805,
      ]),
    Case(
      attack: .apgdT, norm: .l2,
      best: [
        0.572302, 0.134076, 0.805581, 0.343205, 0.812777, 0, 0, 0.730811, 0.474031, 0.622634, 0.319062, 0.417813, 0.000761889,
        0.821952, 0.230348, 0.999599, 0.00103021, 0.811844, 0.338052, 0.560022, 0.464606, 0.771183, 0.0166162, 0.956049,
      ]),
    Case(
      attack: .apgdCE, norm: .l1,
      best: [
        0.563504, 0.25437, 0.788892, 0.174144, 0.528684, 0.0550424, 0.131775, 0.795644, 0.645263, 0.604179, 0.354737, 0.388862, 0.102445,
        0.93645, 0.44941, 0.937403, 0, 0.838208, 0.507566, 0.6003, 0.663579, 0.79263, 1.49012e-08, 0.917958,
      ], images: 1..<4),
    Case(
      attack: .apgdDLR, norm: .l1,
      best: [
        0.527022, 0.556593, 0.763213, 0.0446674, 0.888856, 0.173408, 0, 0.795644, 0.443815, 0.604179, 0.285065, 0.388862, 0.0185338,
        0.76909, 0.198137, 0.937403, 0, 0.838208, 0.460625, 0.50097, 0.555933, 0.79263, 0.0386257, 0.917958,
      ]),
    Case(
      attack: .apgdT, norm: .l1,
      best: [
        0.626761, 0.2062, 0.757361, 0.359253, 0.860434, 0, 0.0247185, 0.795644, 0.505266, 0.604179, 0.321797, 0.388862, 0.102445, 0.93645,
        0.534003, 0.937403, 0.0845929, 0.838208, 0.129637, 0.6003, 0.379508, 0.79263, 0.0938576, 0.917958,
      ]),
  ]

  private static let network = ReLUClassifier(
    [2, 3, 1], hidden: Formula.table(8, 6) { 1.5 * sin(1 + 2.3 * $0 + 1.7 * $1) },
    bias: (0..<8).map { Float(0.3 * sin(2 + 1.9 * Double($0))) },
    output: Formula.table(5, 8) { 1.5 * sin(4 + 3.1 * $0 + 1.3 * $1) })
  private static let images = Tensor(
    [4, 2, 3, 1], values: Formula.table(4, 6) { 0.5 + 0.45 * sin(3 + 1.1 * $0 + 2.9 * $1) }.flatMap { $0 })

  private func examples(_ threat: Threat) -> Examples {
    let shifts = Formula.table(4, 6) { sin(0.7 + 1.3 * $0 + 2.1 * $1) }
    var examples = Examples(images: Self.images, labels: [1, 1, 1, 1], ids: [0, 1, 2, 3], seed: 0)
    var starts = Self.images
    if threat.norm == .l1 {
      // Noise that the search itself brings into its first ball.
      starts.add(1, times: Tensor(starts.shape, values: shifts.flatMap { $0 }))
      examples.starts = starts
      return examples
    }
    for (row, shift) in shifts.enumerated() {
      let length = threat.norm == .linf ? 1 : shift.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for pixel in 0..<6 {
        starts.values[6 * row + pixel] = min(max(starts.values[6 * row + pixel] + Float(threat.epsilon) * shift[pixel] / length, 0), 1)
      }
    }
    examples.starts = starts
    return examples
  }

  @Test("every loss and norm ends at the authors' best point", arguments: cases) func bestPoints(of reference: Case) {
    var settings = AttackSettings(reference.attack, ["steps": reference.norm == .linf ? 100 : 20])
    if reference.attack.field("targets") != nil { settings["targets"] = 1 }
    let attack = settings.attack(for: reference.threat, keep: .last)
    let found = attack.perturb(examples(reference.threat), of: Self.network, threat: reference.threat)
    for (index, expected) in reference.best.enumerated() where reference.images.contains(index / 6) {
      #expect(abs(found.values[index] - expected) < 1e-5, "\(reference.attack.name), \(reference.norm), value \(index)")
    }
  }
}
