/// The numbers of a job's events: the next one, and up to where the store has them reserved. After a crash numbering goes on behind the
/// reserved block, so that no number is given out twice, though not every event was written.
struct EventNumbers: Sendable {
  private(set) var next: Int
  var reserved: Int

  /// Behind a reserved block.
  init(after reserved: Int) {
    next = reserved + 1
    self.reserved = reserved
  }

  var isUsedUp: Bool { next > reserved }

  mutating func take() -> Int {
    defer { next += 1 }
    return next
  }

  /// The end of the next block.
  var nextBlock: Int { next + 1_023 }
}
