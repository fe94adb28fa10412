import Attacks
import JSON
import TensorEngine

/// The attacks of a job's evaluation, with what only the network tells: those that stand where the spec names none, and the settings that
/// follow from whether the network is random.
struct AttackChoice {
  /// Why these, in a sentence.
  let reason: String
  /// As the spec names them.
  private let named: [AttackSettings]
  /// `nil` as long as there is no network.
  private let completed: [AttackSettings]?

  init(_ spec: JobSpec, of document: JSONValue, _ facts: DatasetFacts?, _ graph: Graph?) {
    guard spec.generation == nil else {
      (reason, named, completed) = ("The spec names the one that it makes images with.", [], nil)
      return
    }
    let isOpen = JobSpec.leavesAttacksOpen(document)
    named = isOpen ? [] : spec.evaluation.attacks
    guard let facts, let graph else {
      (reason, completed) = ("", nil)
      return
    }
    let usual = isOpen ? DefaultEvaluation(spec, facts, graph) : nil
    reason = usual?.reason ?? "The spec names them."
    completed = (usual?.attacks ?? named).map { $0.completed(forRandomised: graph.isRandomised) }
  }

  /// The document with these attacks in it.
  func completed(_ document: JSONValue) -> JSONValue {
    guard let completed else { return document }
    return document.setting("/evaluation/attacks", to: .array(completed.map { $0.json(for: .evaluation) }))
  }

  /// Settings that follow from the network may not be given otherwise.
  func check(_ graph: Graph, _ log: FaultLog) {
    for (index, attack) in named.enumerated() {
      for (name, value) in attack.definition.following(graph.isRandomised) {
        guard let given = attack[name], given != value else { continue }
        log.add(
          "/evaluation/attacks/\(index)/\(name)", .conflict,
          """
          is \(value.string ?? value.serialised()) for a network that \(graph.isRandomised ? "is random" : "has no randomness") when it is \
          evaluated; leave \(name) out
          """)
      }
    }
  }
}
