import Datasets
import GRDB
import JSON

/// A data set in the list of data sets: built in, or uploaded.
package struct DatasetRecord: Hashable, Sendable {
  package let id: String
  package let name: String
  /// `nil` for a built-in one.
  package let format: DatasetFormat?
  package let summary: DatasetSummary
  package let createdAt: Timestamp?
  /// The SHA-256 of the packed file that holds its images; `nil` for a built-in one.
  package let file: String?
  /// Whether the file was found to be damaged.
  package var isDamaged = false

  package static func == (one: DatasetRecord, other: DatasetRecord) -> Bool {
    one.id == other.id && one.name == other.name && one.format == other.format && one.summary == other.summary
      && one.createdAt == other.createdAt
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(id) }

  package var json: JSONValue {
    get throws {
      var object: JSONObject = [
        "id": .string(id), "object": "dataset", "name": .string(name), "format": .orNull(format?.rawValue),
        "built_in": .bool(format == nil),
      ]
      if case .object(let facts) = try JSONValue(encoding: summary) { for (key, value) in facts.members { object[key] = value } }
      object["warnings"] = .array(try summary.notices.map { try JSONValue(encoding: $0) })
      object["created_at"] = .orNull(createdAt?.description)
      if isDamaged { object["damaged"] = true }
      return .object(object)
    }
  }
}

/// A built-in data set cannot be deleted.
package struct BuiltIn: Error, Hashable, Sendable, CustomStringConvertible {
  package let id: String
  package var description: String { "\(id) is built in and cannot be deleted" }
}

extension DatasetRecord {
  init(_ row: Row) throws {
    let id: String = row["id"]
    self.id = id
    name = row["name"]
    format = DatasetFormat(rawValue: row["format"])
    file = row["file"]
    createdAt = Timestamp(milliseconds: row["created_at"])
    do {
      summary = try JSONValue(parsing: row["summary"] as String).decoded(as: DatasetSummary.self)
    } catch {
      throw Damaged(id)
    }
  }
}
