import Datasets
import Foundation

/// The data set that an evidence is held against.
package enum VerifiedData {
  /// - Parameters:
  ///   - name: of a built-in data set, or a path.
  ///   - format: of the files at the path; `nil`: npz.
  /// - Throws: `DatasetError`.
  package static func load(_ name: String, format: String?) throws -> Dataset {
    if let builtIn = DatasetSource.builtIn(name) { return builtIn }
    guard let format = DatasetFormat(rawValue: format ?? DatasetFormat.npz.rawValue) else {
      throw DatasetError("the format must be one of \(DatasetFormat.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return try DatasetSource.load(format: format, path: URL(fileURLWithPath: name))
  }
}
