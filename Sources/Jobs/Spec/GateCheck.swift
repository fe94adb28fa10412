import Attacks
import JSON
import Robustness

/// What the fields of a gate cannot see by themselves.
struct GateCheck {
  let spec: JobSpec
  /// Those that the evaluation runs; where the spec leaves them open, those that it may choose.
  var attacks: [AttackSettings] = []
  let log: FaultLog

  func checkAll() {
    for (index, gate) in spec.gates.enumerated() where log.isClean("/gates/\(index)") { check(gate, at: "/gates/\(index)") }
  }

  private func check(_ gate: Gate, at pointer: String) {
    checkBound(of: gate, at: pointer)
    if let against = gate.against { check(gate, against: against, at: pointer) }
    if gate.ofClass != nil, ![.cleanAccuracy, .robustAccuracy].contains(gate.metric) {
      log.add(
        pointer + "/class", .conflict,
        "\(gate.metric.rawValue) is not measured class by class; leave class out, or take clean_accuracy or robust_accuracy")
    }
    checkAttack(of: gate, at: pointer)
  }

  private func checkBound(of gate: Gate, at pointer: String) {
    let range = gate.metric.isAccuracy ? (gate.against == nil ? 0.0 : -1.0)...1.0 : 0.0...Double.greatestFiniteMagnitude
    let value = gate.bound.value
    guard !range.contains(value) else { return }
    let field =
      switch gate.bound {
      case .atLeast: "min"
      case .atMost: "max"
      }
    let demand = gate.metric.isAccuracy ? "must be from \(range.lowerBound) to 1.0" : "must be at least 0.0"
    log.add("\(pointer)/\(field)", .outOfRange, "\(demand), not \(value)")
  }

  private func check(_ gate: Gate, against reference: Gate.Reference, at pointer: String) {
    if spec.evaluation.baseline == nil, spec.evaluation.baselineLabels == nil {
      log.add(pointer + "/against", .conflict, "there is nothing to compare with: name the weights in evaluation.baseline")
    }
    if ![.cleanAccuracy, .robustAccuracy].contains(gate.metric) {
      log.add(
        pointer + "/metric", .conflict,
        "\(gate.metric.rawValue) is not compared with the \(reference.rawValue); clean_accuracy and robust_accuracy are")
    }
    if gate.ofClass != nil {
      log.add(pointer + "/class", .conflict, "a difference from the \(reference.rawValue) is of all classes together; leave class out")
    }
  }

  private func checkAttack(of gate: Gate, at pointer: String) {
    if gate.metric == .certifiedAccuracy, spec.evaluation.certificate == nil, log.isClean("/evaluation/certify") {
      log.add(
        pointer + "/metric", .conflict, "nothing is certified; ask for it with evaluation.certify, such as {\"method\": \"ibp\"}")
    }
    guard gate.metric.isRobust else {
      if gate.attack != nil {
        log.add(pointer + "/attack", .conflict, "\(gate.metric.rawValue) is measured without an attack; leave attack out")
      }
      return
    }
    guard log.isClean("/evaluation/attacks") else { return }
    let meant = gate.attack.map { name in attacks.filter { $0.name == name || $0.label == name } } ?? attacks
    if let attack = gate.attack, meant.isEmpty {
      let known = Set(attacks.flatMap { [$0.name, $0.label] }).sorted()
      let choice = known.isEmpty ? "it has none" : "there are \(known.joined(separator: ", "))"
      log.add(pointer + "/attack", .conflict, "no attack of the evaluation is called \"\(attack)\"; \(choice)")
    } else if meant.isEmpty {
      log.add(pointer + "/metric", .conflict, "\(gate.metric.rawValue) needs an attack, and evaluation.attacks is empty")
    } else if gate.metric == .medianDistance, !meant.contains(where: { $0.definition.goal == .minimalDistance }) {
      let names = AttackCatalogue.all.filter { $0.goal == .minimalDistance && $0.norms.contains(spec.threat.norm) }.map(\.name)
      log.add(
        pointer + (gate.attack == nil ? "/metric" : "/attack"), .conflict,
        "\(gate.metric.rawValue) needs an attack that looks for the nearest misclassified image: \(names.joined(separator: " or "))")
    }
  }

  /// The classes that gates name must be there.
  func checkClasses(_ names: [String]) {
    for (index, gate) in spec.gates.enumerated() {
      guard let name = gate.ofClass, !names.contains(name), log.isClean("/gates/\(index)") else { continue }
      let known = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
      log.add("/gates/\(index)/class", .notFound, "the data set has no class \"\(name.prefix(60))\"; there are \(known)")
    }
  }
}
