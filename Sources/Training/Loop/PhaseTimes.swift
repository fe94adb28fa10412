import Dispatch

/// Seconds by phase.
struct PhaseTimes: Sendable, Codable {
  private(set) var seconds: [TrainingPhase: Double] = [:]

  static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

  mutating func add(_ phase: TrainingPhase, _ more: Double) { seconds[phase, default: 0] += more }

  /// The same when each second was that of so many threads.
  func scaled(by threads: Double) -> PhaseTimes {
    var scaled = PhaseTimes()
    for (phase, share) in seconds { scaled.add(phase, share * threads) }
    return scaled
  }

  /// Splits `wall` seconds among phases as `shares`, the seconds of several threads, are split.
  mutating func add(wall: Double, by shares: PhaseTimes) {
    let total = shares.seconds.values.reduce(0, +)
    guard total > 0 else { return }
    for (phase, share) in shares.seconds { add(phase, wall * share / total) }
  }

  static func += (total: inout PhaseTimes, further: PhaseTimes) {
    for (phase, seconds) in further.seconds { total.add(phase, seconds) }
  }
}
