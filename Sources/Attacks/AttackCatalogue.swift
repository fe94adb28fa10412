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
    .autoattack,
  ]

  package static let names = all.map(\.name)

  package static func definition(named name: String) -> AttackDefinition? { all.first { $0.name == name } }
}
