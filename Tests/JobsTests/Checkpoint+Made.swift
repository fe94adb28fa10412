import JSON
import Training

extension Checkpoint {
  /// One that no training made.
  static func made(_ role: CheckpointRole, epoch: Int = 1, sha256: String) throws -> Checkpoint {
    let metrics: JSONValue = ["epoch": .int(Int64(epoch)), "step": 1, "phase": "retrain", "learningRate": 0.1]
    let all: JSONValue = [
      "role": .string(role.rawValue), "epoch": .int(Int64(epoch)), "metrics": metrics, "bytes": 8, "sha256": .string(sha256),
    ]
    return try all.decoded(as: Checkpoint.self)
  }
}
