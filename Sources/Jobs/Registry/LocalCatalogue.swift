import Datasets
import Foundation
import Models
import Synchronization

/// The built-in data sets and the files of this machine: what a spec given to `temper run` may name.
package final class LocalCatalogue: Catalogue {
  private let folder: URL
  private let limits: DatasetLimits
  /// The data set that was read last: it is asked for when the spec is checked, and again when the job runs.
  private let loaded = Mutex<(reference: DatasetSection.Reference, dataset: Dataset)?>(nil)

  /// - Parameter folder: what paths in the spec are relative to: the folder of the spec.
  package init(folder: URL, limits: DatasetLimits = DatasetLimits()) {
    // A base without its slash would lose its last component (RFC 3986, 5.2.3).
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
    case .path(let path, let format):
      if let known = loaded.withLock({ $0 }), known.reference == reference { return known.dataset }
      let dataset = try DatasetSource.load(format: format, path: url(path), limits: limits)
      loaded.withLock { $0 = (reference, dataset) }
      return dataset
    }
  }

  /// - Parameter id: the path of a safetensors file.
  package func weights(_ id: String) throws -> StoredWeights? {
    let file = url(id)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try StoredWeights(file: file)
  }

  private func url(_ path: String) -> URL { URL(fileURLWithPath: path, relativeTo: folder) }
}
