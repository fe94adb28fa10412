import Files
import Datasets
import TensorEngine

extension TrainingRun {
  /// A digest of all arguments that the weights depend on: a state is resumed by no other run.
  func fingerprint() -> String {
    let network = graph.nodes.map { "\(String(reflecting: $0.operation)) of \($0.inputs) is \($0.shape)" }
    let facts = [
      "dataset \(dataset.sha256), \(dataset.train.count) images", "network \(network)", "names \(graph.layout.parameters.map(\.name))",
      "initial \(initial.withValues { SHA256Digest.hex(of: $0.withMemoryRebound(to: UInt8.self) { Array($0) }) })",
      "threat \(String(reflecting: threat))", "settings \(String(reflecting: settings))", "precision \(precision)", "seed \(seed)",
    ]
    return SHA256Digest.hex(of: Array(facts.joined(separator: "\n").utf8))
  }
}
