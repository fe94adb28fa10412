import Files
import Foundation
import Models
import TensorEngine

/// Writes the checkpoints of a run, and reads them again.
struct CheckpointWriter {
  private let files: any CheckpointStorage
  private let layout: ParameterLayout
  /// What every file says of its network.
  private let metadata: [String: String]
  private let waitForRoom: @Sendable (StorageError) throws -> Void

  init(_ run: TrainingRun) throws {
    files = run.checkpoints
    layout = run.graph.layout
    waitForRoom = run.waitForRoom
    let card = ModelCard(
      model: run.description, input: run.dataset.imageShape, classes: run.dataset.classes, classNames: run.dataset.classNames)
    metadata = try card.metadata()
  }

  /// Writes a safetensors file in place of the role's last one.
  ///
  /// Beside the model card its metadata are `temper.role`, `temper.epoch` and `temper.metrics` (JSON), and nothing that another run of the
  /// same arguments would write otherwise. The accuracies of the validation part have no `validation_` before them there, as in the files of
  /// all earlier versions: a spec and a seed give the same bytes in each.
  func write(_ parameters: Parameters, as role: CheckpointRole, _ metrics: TrainingMetrics) throws -> Checkpoint {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let measured = Dictionary(
      uniqueKeysWithValues: metrics.named.map { ($0.name.replacing(TrainingMetrics.validation, with: ""), $0.value) })
    let results = [
      "temper.role": role.rawValue, "temper.epoch": String(metrics.epoch),
      "temper.metrics": String(decoding: try encoder.encode(measured), as: UTF8.self),
    ]
    let file = Safetensors(Weights(parameters), metadata: metadata.merging(results) { $1 })
    let written = try waitingOutShortage(waitForRoom) {
      try files.write(role) { target in try file.write { try target.append($0) } }
    }
    return Checkpoint(role: role, epoch: metrics.epoch, metrics: metrics, bytes: written.bytes, sha256: written.sha256)
  }

  /// The weights of a checkpoint.
  ///
  /// - Throws: `TrainingError.cannotResume` when the file is not there any more, or is another.
  func read(_ checkpoint: Checkpoint) throws -> Parameters {
    let data = try waitingOutShortage(waitForRoom) { try contents(checkpoint) }
    let parameters = Parameters(layout)
    for (parameter, tensor) in zip(layout.ids, try Safetensors(data).weights.tensors(for: layout)) { parameters[parameter] = tensor }
    return parameters
  }

  private func contents(_ checkpoint: Checkpoint) throws -> Data {
    do {
      let file = try files.open(checkpoint)
      var data = Data(count: file.size)
      let count = try data.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      if count == data.count, SHA256Digest.hex(of: data) == checkpoint.sha256 { return data }
    } catch is DamagedFile {
      // Told below, as one that was damaged since it was opened.
    }
    throw TrainingError.cannotResume(
      "the checkpoint \(checkpoint.role.rawValue) of epoch \(checkpoint.epoch) is missing or was changed; start the run anew")
  }

  /// Whether the file of a checkpoint is there, can be read, and is whole.
  func holds(_ checkpoint: Checkpoint) throws -> Bool {
    do {
      _ = try waitingOutShortage(waitForRoom) { try files.open(checkpoint) }
      return true
    } catch is DamagedFile {
      return false
    } catch is StorageError {
      return false
    }
  }
}
