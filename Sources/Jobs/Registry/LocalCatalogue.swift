import Datasets
import Files
import Foundation
import Models
import Synchronization

/// The data sets and weights that a spec for `temper run` may name: the built-in data sets and files of this machine.
package final class LocalCatalogue: Catalogue {
  private let folder: URL
  private let limits: DatasetLimits
  /// The data set that was read last. It is needed when the spec is checked, and again when the job runs.
  private let loaded = Mutex<(reference: DatasetSection.Reference, dataset: Dataset)?>(nil)

  /// The ONNX file that was read last, for the same reason.
  private let translated = Mutex<(path: String, network: ONNXNetwork)?>(nil)

  /// - Parameter folder: the folder of the spec. Paths in the spec are relative to it.
  package init(folder: URL, limits: DatasetLimits = DatasetLimits()) {
    // Without a slash at its end, a base URL loses its last component (RFC 3986, 5.2.3).
    self.folder = URL(fileURLWithPath: folder.path, isDirectory: true)
    self.limits = limits
  }

  package func facts(of reference: DatasetSection.Reference) throws -> DatasetFacts? {
    if case .id(let id) = reference { return DatasetSource.builtIn(id).map { DatasetFacts($0) } }
    return DatasetFacts(try load(reference))
  }

  package func load(_ reference: DatasetSection.Reference) throws -> Dataset {
    switch reference {
    case .id(let id):
      guard let dataset = DatasetSource.builtIn(id) else { throw NotFound(id) }
      return dataset
    case .path(let path, let format, let resize):
      if let known = loaded.withLock({ $0 }), known.reference == reference { return known.dataset }
      let dataset = try DatasetSource.load(format: format, path: url(path), options: DatasetOptions(resize: resize), limits: limits)
      loaded.withLock { $0 = (reference, dataset) }
      return dataset
    }
  }

  /// - Parameter id: the path of a safetensors file, or of an ONNX file, which ends in `.onnx`.
  package func weights(_ id: String) throws -> StoredWeights? {
    guard let file = try file(id) else { return nil }
    guard let network = try network(id) else { return try StoredWeights(file) }
    return StoredWeights(network.weights, sha256: try file.sha256())
  }

  package func outline(ofWeights id: String) throws -> [TensorOutline]? {
    guard let file = try file(id) else { return nil }
    return try network(id)?.weights.outline ?? Safetensors.outline(of: file)
  }

  package func metadata(ofWeights id: String) throws -> [String: String]? {
    guard let file = try file(id) else { return nil }
    return try network(id)?.card.metadata() ?? Safetensors.metadata(of: file)
  }

  private func network(_ path: String) throws -> ONNXNetwork? {
    guard path.hasSuffix(".onnx") else { return nil }
    if let known = translated.withLock({ $0 }), known.path == path { return known.network }
    let network = try ONNXNetwork(Data(contentsOf: url(path)))
    translated.withLock { $0 = (path, network) }
    return network
  }

  private func file(_ path: String) throws -> OpenFile? {
    let file = url(path)
    return FileManager.default.fileExists(atPath: file.path) ? try OpenFile(file) : nil
  }

  package func pinned(_ name: String) -> String { name }

  /// Without a store there are no other jobs.
  package func weights(labelled: [String: String]) -> String? { nil }

  private func url(_ path: String) -> URL { URL(fileURLWithPath: path, relativeTo: folder) }
}
