import Files
import Foundation
import Models
import TensorEngine

/// Writes the checkpoints of a run, and reads them again.
struct CheckpointStore {
  private let directory: URL
  private let layout: ParameterLayout
  /// What every file says of its network.
  private let metadata: [String: String]

  init(_ run: TrainingRun) throws {
    directory = run.directory
    layout = run.graph.layout
    let card = ModelCard(
      model: run.description, input: run.dataset.imageShape, classes: run.dataset.classes, classNames: run.dataset.classNames)
    metadata = try card.metadata()
    do {
      try FileManager.default.createDirectory(at: Checkpoint.folder(in: directory), withIntermediateDirectories: true)
    } catch {
      throw TrainingError.storage("the folder for checkpoints cannot be made: \(error.localizedDescription)")
    }
  }

  /// Writes a safetensors file in place of the role's last one.
  ///
  /// Beside the model card its metadata are `temper.role`, `temper.epoch` and `temper.metrics` (JSON), and nothing that another run of the
  /// same arguments would write otherwise.
  func write(_ parameters: Parameters, as role: CheckpointRole, _ metrics: TrainingMetrics) throws -> Checkpoint {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let measured = Dictionary(uniqueKeysWithValues: metrics.named.map { ($0.name, $0.value) })
    let results = [
      "temper.role": role.rawValue, "temper.epoch": String(metrics.epoch),
      "temper.metrics": String(decoding: try encoder.encode(measured), as: UTF8.self),
    ]
    let file = Safetensors(Weights(parameters), metadata: metadata.merging(results) { $1 })
    var sha256 = ""
    try AtomicFile.write(to: Checkpoint.url(of: role, in: directory)) { put in
      let digest = SHA256Digest()
      try file.write {
        digest.update($0)
        try put($0)
      }
      sha256 = digest.finishHex()
    }
    return Checkpoint(role: role, epoch: metrics.epoch, metrics: metrics, bytes: file.byteCount, sha256: sha256)
  }

  /// The weights of a checkpoint.
  ///
  /// - Throws: `TrainingError.cannotResume` when the file is not there any more, or is another.
  func read(_ checkpoint: Checkpoint) throws -> Parameters {
    guard let data = try? Data(contentsOf: checkpoint.url(in: directory)), SHA256Digest.hex(of: data) == checkpoint.sha256 else {
      throw TrainingError.cannotResume(
        "the checkpoint \(checkpoint.role.rawValue) of epoch \(checkpoint.epoch) is missing or was changed; start the run anew")
    }
    let parameters = Parameters(layout)
    for (index, tensor) in try Safetensors(data).weights.tensors(for: layout).enumerated() { parameters[index] = tensor }
    return parameters
  }
}
