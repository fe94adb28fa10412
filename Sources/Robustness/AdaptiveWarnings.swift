/// Defences that the attacks did not look at (Athalye et al. 2018, arXiv:1802.00420; Tramèr et al. 2020, arXiv:2002.08347).
extension Warning {
  /// The attacks were made on the network without its preprocessing.
  package static let nonadaptiveAttack = Warning(
    code: "nonadaptive_attack",
    detail: """
      The attacks were made on the network without its preprocessing and then shown to the whole: an adversary who knows of the \
      preprocessing does better. Set evaluation.adaptive to true.
      """,
    discredits: true)
}
