import Foundation

/// A temporary folder that is removed after the test.
final class Workspace: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("temper-command-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
  func data(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: url.appendingPathComponent(name))
    return path(name)
  }

  /// The root of the repository.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
}

/// Specs of jobs that take about a second.
enum TinySpec {
  /// - Parameters:
  ///   - gate: the minimum of a gate on clean accuracy; nil for no gate.
  ///   - epochs: of retraining.
  static func train(gate: Double? = nil, epochs: Int = 1, dataset: String = #"{"id": "digits", "limit": 300}"#) -> String {
    let gates = gate.map { #"[{"metric": "clean_accuracy", "min": \#($0)}]"# } ?? "[]"
    return """
      {
        "name": "tiny", "dataset": \(dataset), "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.05},
        "training": {
          "base_epochs": 1, "epochs": \(epochs), "batch_size": 64, "attack": {"name": "pgd", "steps": 2},
          "optimizer": {"name": "adam", "learning_rate": 0.01}
        },
        "evaluation": {"attacks": [{"name": "fgsm"}, {"name": "pgd", "steps": 5}], "samples": 100, "curve": []},
        "gates": \(gates)
      }
      """
  }
}
