import GRDB

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

  /// The end of the last block that was reserved for a job; its last event where a damaged record says less.
  static func reserved(of id: String, _ db: Database) throws -> Int {
    try Int.fetchOne(
      db, sql: "SELECT max(\(JobCounter.reservedEvents.known), \(JobCounter.lastEvent)) FROM jobs WHERE id = ?", arguments: [id])
      ?? 0
  }

  var isUsedUp: Bool { next > reserved }

  mutating func take() -> Int {
    defer { next += 1 }
    return next
  }

  /// The end of the next block.
  var nextBlock: Int { next + 1_023 }
}
