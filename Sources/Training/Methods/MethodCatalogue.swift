/// Every training method by name.
package enum MethodCatalogue {
  package static let all: [TrainingMethod] = [
    .standard,
    .fgsm,
    .nfgsm,
    .pgd,
    .free,
    .trades,
    .mart,
    .alp,
    .awp,
    .gradalign,
    .inputGradient,
    .ibp,
    .mtlIBP,
  ]

  /// What a spec that names none is trained by.
  package static let usual = TrainingMethod.pgd

  package static let names = all.map(\.name)

  package static func method(named name: String) -> TrainingMethod? { all.first { $0.name == name } }
}
