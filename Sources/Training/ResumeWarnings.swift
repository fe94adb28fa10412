import Robustness

/// What a run that was resumed has to say of it.
extension Warning {
  /// A saved state, or a saved evaluation, was damaged.
  ///
  /// - Parameters:
  ///   - file: its name.
  ///   - reason: to go after the name, as `was cut`.
  ///   - instead: where the run goes on, as `the run goes on from the state before it`.
  package static func savedStateDamaged(_ file: String, _ reason: String, instead: String) -> Warning {
    Warning(
      code: "saved_state_damaged",
      detail: """
        \(file) \(reason), and was set aside; \(instead). The result is the same, to the last bit; look at the disk that the file was on.
        """)
  }

  /// A saved state that there was is missing.
  ///
  /// - Parameters:
  ///   - step: the weight updates in it.
  ///   - found: those in the state that the run goes on from; `nil` when it begins anew.
  package static func savedStateMissing(step: Int, found: Int?) -> Warning {
    let instead = found.map { "the run goes on from an earlier one, after \($0) updates" } ?? "the run begins anew"
    return Warning(
      code: "saved_state_damaged",
      detail: """
        The saved state after \(step) updates is missing; \(instead). The result is the same, to the last bit; look at the disk that the file \
        was on.
        """)
  }

  /// The run was begun by one engine and goes on with another.
  package static func mixedEngine(before: String, now: String) -> Warning? {
    guard before != now else { return nil }
    return Warning(
      code: "mixed_engine",
      detail: """
        The run was computed by engine \(before) up to its last saved state, and goes on with engine \(now): its result differs in the last \
        digits from that of either alone. Run it anew for bits that can be reproduced.
        """)
  }
}
