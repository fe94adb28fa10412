import Files
import Foundation
import Glibc
import Training

/// The files that `temper run` leaves in its folder.
package struct RunResults {
  private let directory: URL

  package init(in directory: URL) { self.directory = directory }

  package var report: URL { directory.appendingPathComponent("report.json") }
  var metrics: URL { directory.appendingPathComponent("metrics.csv") }

  /// Those of jobs of every kind.
  private var all: [URL] {
    [report, metrics, Evidence.url(in: directory), GeneratedImages.url(in: directory)]
      + CheckpointRole.allCases.map { Checkpoint.url(of: $0, in: directory) }
  }

  /// Whether a run has left anything.
  var areThere: Bool { all.contains { FileManager.default.fileExists(atPath: $0.path) } }

  /// Whether it came to its end.
  var areWhole: Bool { [report, GeneratedImages.url(in: directory)].contains { FileManager.default.fileExists(atPath: $0.path) } }

  /// Whether a file that is there is one of them.
  package func contains(_ file: URL) -> Bool {
    func place(_ url: URL) -> String { url.standardizedFileURL.resolvingSymlinksInPath().path }
    return FileManager.default.fileExists(atPath: file.path) && all.map(place).contains(place(file))
  }

  /// Removes those that an earlier run left: whoever finds one afterwards must be able to take it for this run's. Nothing else in the folder
  /// is touched, and no folder is removed.
  ///
  /// - Throws: `StorageError` when one cannot be removed.
  func remove() throws(StorageError) {
    for file in all {
      let path = file.path
      do throws(StorageError) {
        try systemCall("\(file.lastPathComponent) of an earlier run cannot be removed") { unlink(path) }
      } catch  where error.code == ENOENT || error.code == ENOTDIR {
        // There is none.
      }
    }
  }
}

extension JobSpec {
  /// The files of this machine that it names, each with its place in the spec.
  package var files: [(pointer: String, path: String)] {
    var files = [("/model/init", model.initial), ("/evaluation/baseline", evaluation.baseline)].compactMap { pointer, path in
      path.map { (pointer: pointer, path: $0) }
    }
    if case .path(let path, .npz, _) = dataset.reference {
      // Of a folder, the archive in it.
      files += [path, path + "/" + GeneratedImages.fileName].map { ("/dataset/path", $0) }
    }
    return files
  }
}
