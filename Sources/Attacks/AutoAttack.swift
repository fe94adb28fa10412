import JSON

extension AttackDefinition {
  package static let autoattack = AttackDefinition(
    name: "autoattack",
    summary: """
      Four attacks one after the other, each on the images that those before it left correct: apgd_ce, apgd_t, fab_t and square (Croce and \
      Hein 2020, arXiv:2003.01690).
      """,
    fields: [
      Field(
        "version", .choice(AutoAttackVersion.self),
        help: """
          `rand` on a network that is random when it is evaluated: apgd_ce and apgd_dlr with 20 `eot_samples`; `standard` on any other. It \
          follows from the network, so leave it out.
          """)
    ],
    strength: 60, following: { isRandomised in ["version": .string((isRandomised ? AutoAttackVersion.rand : .standard).rawValue)] },
    parts: { settings, norm in (settings["version"]?.string.flatMap(AutoAttackVersion.init) ?? .standard).parts(in: norm) })
}

/// The two lists of attacks that the authors' code calls by these names.
private enum AutoAttackVersion: String, CaseIterable {
  case standard, rand

  /// At their default budgets, which are the authors', but in L1, where these differ.
  func parts(in norm: Norm) -> [AttackSettings] {
    switch self {
    case .standard where norm == .l1:
      [AttackSettings(.apgdCE, ["restarts": 5]), AttackSettings(.apgdT, ["targets": 5]), AttackSettings(.fabT), AttackSettings(.square)]
    case .standard: [.apgdCE, .apgdT, .fabT, .square].map { AttackSettings($0) }
    // Nothing is said of FAB and Square where answers are random.
    case .rand: [.apgdCE, .apgdDLR].map { AttackSettings($0, ["eot_samples": 20]) }
    }
  }
}
