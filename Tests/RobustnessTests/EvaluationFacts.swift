import Robustness

extension Evaluation {
  /// The parts that do not depend on the clock.
  var facts: Evaluation {
    var facts = self
    facts.seconds = 0
    for index in facts.attacks.indices { facts.attacks[index].forgetSeconds() }
    for index in (facts.threats ?? []).indices {
      for attack in (facts.threats?[index].attacks ?? []).indices { facts.threats?[index].attacks[attack].forgetSeconds() }
    }
    return facts
  }
}

extension Evaluation.Attacked {
  fileprivate mutating func forgetSeconds() {
    seconds = 0
    for index in (parts ?? []).indices { parts?[index].seconds = 0 }
  }
}
