import Files
import Foundation
import Models

/// Weights and the digest of their file.
package struct StoredWeights: Sendable {
  package let weights: Weights
  package let sha256: String

  init(_ weights: Weights, sha256: String) {
    self.weights = weights
    self.sha256 = sha256
  }

  /// Reads a whole safetensors file.
  ///
  /// - Throws: `StorageError`, `SafetensorsError`.
  init(_ file: OpenFile, sha256: String? = nil) throws {
    var data = Data(capacity: file.size)
    try file.forEachPiece { data.append(contentsOf: $0) }
    weights = try Safetensors(data).weights
    self.sha256 = sha256 ?? SHA256Digest.hex(of: data)
  }
}
