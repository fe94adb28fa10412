/// Every training method by name.
package enum MethodCatalogue {
  package static let all: [TrainingMethod] = [
    .standard,
    .fgsm,
    .pgd,
    .trades,
  ]

  /// What a spec that names none is trained by.
  package static let usual = TrainingMethod.pgd

  /// Every name of the contract.
  private static let contract = [
    "standard", "fgsm", "pgd", "free", "trades", "mart", "alp", "awp", "gradalign", "input_gradient", "ibp", "nfgsm", "mtl_ibp",
  ]

  /// The names of the contract that have no method yet.
  package static let later = contract.filter { method(named: $0) == nil }

  package static let names = all.map(\.name)

  package static func method(named name: String) -> TrainingMethod? { all.first { $0.name == name } }
}
