import GRDB

extension Store {
  /// Notes how far the last saved state of a running job is, so that a later attempt can tell when it is missing.
  ///
  /// No change of the job: those who follow it are told with its progress.
  package func noteSaved(_ step: Int, of id: String) throws {
    try database.write { db in try Self.note(savedStep: step, of: id, db) }
  }

  static func note(savedStep step: Int, of id: String, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE jobs SET saved_step = ?, progress = json_set(progress, '$.saved_step', ?) WHERE id = ?", arguments: [step, step, id])
  }
}
