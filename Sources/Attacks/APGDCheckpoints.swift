/// After which iterations Auto-PGD looks back: the first interval is 22 % of all, each further one 3 % shorter, down to 6 %. Of 100
/// iterations after 22, 41, 57, 70, 80, 87, 93 and 99.
package struct APGDCheckpoints {
  private var interval: Int
  private var next: Int
  private let shorter: Int
  private let shortest: Int

  package init(steps: Int) {
    func share(_ part: Double) -> Int { max(Int(part * Double(steps)), 1) }
    interval = share(0.22)
    next = interval
    shorter = share(0.03)
    shortest = share(0.06)
  }

  /// The number of iterations since the last checkpoint where one comes after so many `iterations`; to be asked after each.
  package mutating func interval(endingAt iterations: Int) -> Int? {
    guard iterations == next else { return nil }
    defer {
      interval = max(interval - shorter, shortest)
      next += interval
    }
    return interval
  }
}
