/// The verdict of a gate, or of all gates of a job.
package enum Verdict: String, CaseIterable, Hashable, Sendable, Codable {
  case pass, fail, inconclusive

  /// The verdict of several gates: `fail` if any fails, else `inconclusive` if any is inconclusive, else `pass`. Without gates it is
  /// `inconclusive`: nobody said what would be good enough.
  package init(of gates: [GateResult]) {
    let verdicts = gates.map(\.verdict)
    self =
      verdicts.contains(.fail) ? .fail : verdicts.isEmpty || verdicts.contains(.inconclusive) ? .inconclusive : .pass
  }
}
