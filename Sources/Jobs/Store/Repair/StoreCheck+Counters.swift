import GRDB

/// The check of the counters of jobs. A record is good without them, so that a damaged one is set anew and nothing is moved away.
extension StoreCheck {
  mutating func checkCounters(_ database: StoreDatabase) throws {
    for counter in JobCounter.allCases {
      let ids = try database.read { db in try String.fetchAll(db, sql: counter.wrong) }
      for id in ids {
        if repair { try database.write { db in try db.execute(sql: counter.mending, arguments: [id]) } }
        found(.record, id, counter.fault, mended: repair ? counter.mended : nil)
      }
    }
  }
}

/// A number that a job's record has and that can be made again.
enum JobCounter: CaseIterable {
  /// Its place among all jobs, by which they are listed and begun.
  case position
  /// See `EventNumbers`.
  case reservedEvents

  /// The most that either can be; far beyond what anything is counted to, and what a JSON number holds.
  static let most: Int64 = 1 << 52

  /// The next position, as an expression: behind all those that can be.
  static let nextPosition = "(SELECT coalesce(max(position), 0) + 1 FROM jobs WHERE position BETWEEN 1 AND \(most - 1))"

  /// The last stored event of a row of `jobs`, as an expression.
  static let lastEvent = "(SELECT coalesce(max(number), 0) FROM events WHERE job = jobs.id AND number <= \(most))"

  /// More than the numbers that were given to events which are not stored.
  private static let margin = 1 << 20

  private var column: String {
    switch self {
    case .position: "position"
    case .reservedEvents: "events_reserved"
    }
  }

  /// The counter of a row of `jobs`, as an expression; 0 where it cannot be what it is.
  var known: String { "iif(\(column) BETWEEN 0 AND \(Self.most), \(column), 0)" }

  /// A query of the ids of the jobs whose counter cannot be what it is.
  var wrong: String {
    let least = self == .position ? "1" : Self.lastEvent
    return """
      SELECT id FROM jobs WHERE typeof(id) = 'text' AND (typeof(\(column)) <> 'integer' OR \(column) NOT BETWEEN \(least) AND \(Self.most))
      ORDER BY id
      """
  }

  /// The statement that sets the counter of one job anew.
  var mending: String {
    switch self {
    case .position: "UPDATE jobs SET position = \(Self.nextPosition) WHERE id = ?"
    case .reservedEvents: "UPDATE jobs SET events_reserved = \(Self.lastEvent) + \(Self.margin) WHERE id = ?"
    }
  }

  var fault: String {
    switch self {
    case .position: "the place of the job among the others is none that it can have"
    case .reservedEvents: "the numbers that are reserved for the job's events end before its last event, or are none that there can be"
    }
  }

  var mended: String {
    switch self {
    case .position: "it was put behind the others"
    case .reservedEvents: "further numbers were reserved"
    }
  }
}
