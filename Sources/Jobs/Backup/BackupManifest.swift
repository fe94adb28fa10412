import Files
import Foundation
import JSON

/// What a backup holds: the first entry of its archive, `backup.json`.
///
/// It names every file of its moment, also those that it leaves out because an earlier backup has them: a file is known by its digest alone.
package struct BackupManifest: Hashable, Sendable, Codable {
  package struct File: Hashable, Sendable, Codable {
    /// Where it lies in a data folder, with `/`: `temper.sqlite`, `files/ab/DIGEST`, `jobs/ID/NAME`.
    package let path: String
    package let sha256: String
    package let bytes: Int
    /// False where an earlier backup has it.
    package var isIncluded = true

    private enum CodingKeys: String, CodingKey {
      case path, sha256, bytes
      case isIncluded = "included"
    }

    init(path: String, sha256: String, bytes: Int) {
      self.path = path
      self.sha256 = sha256
      self.bytes = bytes
    }
  }

  /// A file that a record names and that could not be had whole.
  package struct Lost: Hashable, Sendable, Codable {
    package let id: String
    package let sha256: String
    package let detail: String
  }

  static let entry = "backup.json"
  static let database = "temper.sqlite"
  private static let known = 1

  private let format: Int
  /// RFC 3339, UTC.
  package let createdAt: String
  package let jobs: Int
  /// The database first.
  package let files: [File]
  package let damaged: [Lost]

  init(createdAt: Timestamp, jobs: Int, files: [File], damaged: [Lost]) {
    format = Self.known
    self.createdAt = createdAt.description
    self.jobs = jobs
    self.files = files
    self.damaged = damaged
  }

  private enum CodingKeys: String, CodingKey {
    case format, jobs, files, damaged
    case createdAt = "created_at"
  }

  package var bytes: Int { included.reduce(0) { $0 + $1.bytes } }
  package var included: [File] { files.filter(\.isIncluded) }

  var text: [UInt8] {
    get throws { Array(try JSONValue(encoding: self).serialised(pretty: true).utf8) + [UInt8(ascii: "\n")] }
  }

  /// - Throws: `BackupError` for what no Temper writes, or only a newer one.
  init(reading text: [UInt8], of title: String) throws {
    guard let document = try? JSONValue(parsing: text), let format = document["format"]?.integer else {
      throw BackupError("\(title) is no backup of Temper's: its \(Self.entry) cannot be read")
    }
    guard format <= Self.known else { throw BackupError("\(title) was made by a newer version of Temper; restore it with that version") }
    guard let manifest = try? document.decoded(as: BackupManifest.self), manifest.files.allSatisfy(\.isPossible) else {
      throw BackupError("\(title) is no backup of Temper's: its \(Self.entry) names what none can hold")
    }
    self = manifest
  }
}

extension BackupManifest.File {
  /// Whether it has a place in a data folder: a path comes from an archive, and becomes a name that is written to.
  fileprivate var isPossible: Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard FileStore.isDigest(sha256), bytes >= 0 else { return false }
    switch parts.count {
    case 1: return path == BackupManifest.database
    case 3 where parts[0] == "files": return parts[2] == sha256 && parts[1] == sha256.prefix(2)
    case 3 where parts[0] == "jobs": return Identifier.job.matches(parts[1]) && !parts[2].isEmpty && !parts[2].hasPrefix(".")
    default: return false
    }
  }

  static func path(ofFile sha256: String) -> String { "files/\(sha256.prefix(2))/\(sha256)" }
  static func path(of name: String, ofJob id: String) -> String { "jobs/\(id)/\(name)" }
}

/// Why a backup cannot be made, read or restored, as a phrase.
package struct BackupError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
