import Files
import JSON

/// What a backup may leave out: the body of `POST /v1/backup`.
package struct BackupRequest: Sendable {
  package let known: Set<String>

  package static let object = ObjectType(
    "BackupRequest", "What a backup may leave out; without a body, nothing.",
    fields: [
      Field(
        "have", .list(.text(64...64), count: 0...10_000_000), default: [],
        help: "SHA-256 digests of files that an earlier backup has, as its backup.json names them.")
    ])

  /// - Throws: `SpecFaults`.
  package init(reading document: JSONValue) throws(SpecFaults) {
    let reader = FieldReader()
    let given = reader.object(document, as: Self.object).list("have")
    for (index, digest) in given.enumerated() where !FileStore.isDigest(digest) {
      reader.log.add("/have/\(index)", .notAllowed, "must be a SHA-256 in hexadecimal, 64 digits in lower case")
    }
    guard reader.log.faults.isEmpty else { throw SpecFaults(reader.log.faults) }
    known = Set(given)
  }
}
