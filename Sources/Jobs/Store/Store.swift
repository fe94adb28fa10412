import JSON
import Foundation
import GRDB

/// Everything that outlives the process: jobs and what belongs to them, in SQLite (WAL mode), and the files beside it.
///
/// A change of a job, its transition and its events are one transaction, so that no reader ever sees one without the other, also
/// after a crash. Waiters are told after the commit.
package final class Store: Sendable {
  package let directory: DataDirectory
  /// `Sendable` by GRDB: reads run side by side, writes one after the other.
  let pool: DatabasePool
  let changes = ChangeBoard()

  /// Opens the store, makes or brings forward its tables, and removes files that the database does not name.
  package init(_ directory: DataDirectory) throws {
    self.directory = directory
    var configuration = Configuration()
    configuration.prepareDatabase { db in
      // What was answered survives a power cut, not just a crash of the process.
      try db.execute(sql: "PRAGMA synchronous = FULL")
    }
    configuration.foreignKeysEnabled = true
    pool = try DatabasePool(path: directory.database.path, configuration: configuration)
    try Schema.migrator.migrate(pool)
    let known = try pool.read { db in
      (
        datasets: try String.fetchSet(db, sql: "SELECT id FROM datasets"), models: try String.fetchSet(db, sql: "SELECT id FROM models"),
        jobs: try String.fetchSet(db, sql: "SELECT id FROM jobs")
      )
    }
    directory.removeOrphans(datasets: known.datasets, models: known.models, jobs: known.jobs)
  }

  /// Ends the use of the data directory, which another process may then take. Every later call throws.
  ///
  /// - Throws: when a call is still under way.
  package func close() throws {
    try pool.close()
    directory.release()
  }

  /// How many event streams and long polls wait for a change now.
  package var followers: Int { changes.count }

  package convenience init(at root: URL) throws { try self.init(DataDirectory(root)) }
}

extension JSONValue {
  /// A document that the store wrote.
  init(stored text: String) throws { try self.init(parsing: text) }
}

/// There is nothing of that id.
package struct NotFound: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  package init(_ id: String) { self.id = id }
  package var description: String { "there is no \(id.prefix(100))" }
}

/// Something cannot be deleted because jobs need it.
package struct InUse: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  /// Some of the jobs, at most ten.
  package let jobs: [String]

  package var description: String {
    "\(id) is in use by \(jobs.joined(separator: ", ")); wait until they have ended, or cancel them"
  }
}
