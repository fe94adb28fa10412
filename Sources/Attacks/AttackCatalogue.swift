/// Every attack by name.
package enum AttackCatalogue {
  package static let all: [AttackDefinition] = [
    .fgsm,
    .bim,
    .mifgsm,
    .pgd,
    .apgdCE,
    .apgdDLR,
    .apgdT,
    .adam,
    .rfgsm,
    .square,
    .fabT,
    .deepfool,
    .cw,
    .noise,
  ]

  /// Every name of the contract.
  private static let contract = [
    "fgsm", "rfgsm", "bim", "pgd", "mifgsm", "adam", "cw", "deepfool", "apgd_ce", "apgd_dlr", "apgd_t", "fab_t", "square", "autoattack",
    "noise",
  ]

  /// The names of the contract that have no attack yet.
  package static let later = contract.filter { definition(named: $0) == nil }

  package static let names = all.map(\.name)

  package static func definition(named name: String) -> AttackDefinition? { all.first { $0.name == name } }
}
