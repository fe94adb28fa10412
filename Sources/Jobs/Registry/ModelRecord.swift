import GRDB
import JSON

/// Uploaded weights in the list of models.
package struct ModelRecord: Hashable, Sendable {
  package let id: String
  package let name: String
  /// The total number of parameters.
  package let parameters: Int
  /// Name and shape of each tensor, in order.
  package let tensors: JSONValue
  package let bytes: Int
  package let sha256: String
  package let createdAt: Timestamp
  /// Whether the file was found to be damaged.
  package var isDamaged = false

  package var json: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "object": "model", "name": .string(name), "format": "safetensors", "parameters": .int(Int64(parameters)),
      "tensors": tensors, "bytes": .int(Int64(bytes)), "sha256": .string(sha256), "created_at": .string(createdAt.description),
    ]
    if isDamaged { object["damaged"] = true }
    return .object(object)
  }
}

extension ModelRecord {
  init(_ row: Row) throws {
    let id: String = row["id"]
    self.id = id
    name = row["name"]
    parameters = row["parameters"]
    guard let tensors = try? JSONValue(parsing: row["tensors"] as String) else { throw Damaged(id) }
    self.tensors = tensors
    bytes = row["bytes"]
    sha256 = row["sha256"]
    createdAt = Timestamp(milliseconds: row["created_at"])
  }
}
