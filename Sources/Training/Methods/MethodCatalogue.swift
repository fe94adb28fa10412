/// Every training method by name.
package enum MethodCatalogue {
  package static let all: [TrainingMethod] = [
    .standard,
    .fgsm,
    .pgd,
    .trades,
    .ibp,
    .mtlIBP,
  ]

  /// What a spec that names none is trained by.
  package static let usual = TrainingMethod.pgd

  /// Every name that the spec of a job knows, present or not. A method that is added need not be listed here.
  private static let planned = [
    "standard", "fgsm", "pgd", "free", "trades", "mart", "alp", "awp", "gradalign", "input_gradient", "ibp", "nfgsm", "mtl_ibp",
  ]

  /// The names that have no method yet: a spec with one of them is told so.
  package static let later = planned.filter { method(named: $0) == nil }

  package static let names = all.map(\.name)

  package static func method(named name: String) -> TrainingMethod? { all.first { $0.name == name } }
}
