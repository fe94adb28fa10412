/// What a call of the store may throw besides `StorageError`.

/// There is nothing of that id.
package struct NotFound: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  package init(_ id: String) { self.id = id }
  package var description: String {
    let why = Identifier.checkpoint.matches(id) ? ": a checkpoint goes with its job, and when a later one takes its role" : ""
    return "there is no \(id.prefix(100))\(why)"
  }
}

/// Something is in the database and cannot be understood, or its file is not what it was.
package struct Damaged: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  /// Of the file, where it is one.
  package let sha256: String?
  /// What of the resource it is, where it is not all of it: `report`.
  package let part: String?
  /// What is wrong with the file, as a phrase.
  package let detail: String?

  package init(_ id: String, sha256: String? = nil, part: String? = nil, detail: String? = nil) {
    self.id = id
    self.sha256 = sha256
    self.part = part
    self.detail = detail
  }

  package var description: String {
    guard let sha256 else { return "the record of \(id.prefix(100)) is damaged" }
    let what = part.map { "the \($0) of " } ?? ""
    return "\(what)\(id.prefix(100)) is damaged: \(detail ?? "its file no longer has the SHA-256 \(sha256)")"
  }
}

/// SQLite finds its file damaged.
package struct DamagedStore: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String { "the service's database is damaged; stop the service and run temper fsck" }
}

/// Something cannot be deleted because jobs need it.
package struct InUse: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  /// The job whose checkpoint it is, when that job is to be deleted.
  package var checkpointOf: String?
  /// Some of the jobs, at most ten.
  package let jobs: [String]
  /// Schedules whose next jobs name it, at most ten.
  package var schedules: [String] = []

  package var description: String {
    let what = checkpointOf.map { "\(id), a checkpoint of \($0)," } ?? id
    guard !jobs.isEmpty else { return "\(what) is named by \(schedules.joined(separator: ", ")); delete the schedule first" }
    let end = jobs.count == 1 ? "it has ended, or cancel it" : "they have ended, or cancel them"
    return "\(what) is in use by \(jobs.joined(separator: ", ")); wait until \(end)"
  }
}
