import GRDB
import JSON
import Models

/// How weights can come.
package enum ModelFormat: String, CaseIterable, Sendable {
  case safetensors
  /// A graph with its weights. It is stored as a safetensors file that describes the network.
  case onnx
}

/// Uploaded weights in the list of models.
package struct ModelRecord: Hashable, Sendable {
  package let id: String
  package let name: String
  /// As what they were uploaded.
  package let format: ModelFormat
  /// The total number of parameters.
  package let parameters: Int
  /// Name and shape of each tensor, in order.
  package let tensors: JSONValue
  package let bytes: Int
  package let sha256: String
  package let createdAt: Timestamp
  /// Whether the file was found to be damaged.
  package var isDamaged = false
  /// What the file says of its network; empty in lists.
  package var metadata: [String: String] = [:]

  package var json: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "object": "model", "name": .string(name), "format": .string(format.rawValue),
      "parameters": .int(Int64(parameters)),
      "tensors": tensors, "bytes": .int(Int64(bytes)), "sha256": .string(sha256), "created_at": .string(createdAt.description),
    ]
    if isDamaged { object["damaged"] = true }
    if let card = try? ModelCard(metadata: metadata) {
      object["input"] = .array(card.input.dimensions.map { .int(Int64($0)) })
      object["classes"] = .int(Int64(card.classes))
      object["warnings"] = ModelCard.notices(metadata) ?? []
    }
    return .object(object)
  }
}

extension ModelRecord {
  init(_ row: Row) throws {
    let id: String = row["id"]
    self.id = id
    name = row["name"]
    format = ModelFormat(rawValue: row["format"]) ?? .safetensors
    parameters = row["parameters"]
    guard let tensors = try? JSONValue(parsing: row["tensors"] as String) else { throw Damaged(id) }
    self.tensors = tensors
    bytes = row["bytes"]
    sha256 = row["sha256"]
    createdAt = Timestamp(milliseconds: row["created_at"])
  }
}
