import Files
import Foundation
import Glibc

/// One file of a data set, and the part of it that the file holds.
package struct DatasetFile: Equatable, Sendable {
  /// One of `DatasetFormat.parts`.
  package let part: String
  package let url: URL
  /// The name of the file in errors.
  let title: String

  /// - Parameter title: the name of the file in errors; nil for the name of the part.
  package init(part: String, url: URL, title: String? = nil) {
    self.part = part
    self.url = url
    self.title = title ?? part
  }

  /// - Throws: `DatasetError` when there is no such file or it is not a regular one, because the caller named it; `StorageError` when the
  ///   system cannot open it.
  func open() throws -> OpenFile {
    do {
      return try OpenFile(url, title: title)
    } catch {
      switch error.code {
      case 0: throw DatasetError(part: title, "this is not a regular file")
      case ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENXIO:
        throw DatasetError(part: title, "the file cannot be opened: \(String(cString: strerror(error.code)))")
      default: throw error
      }
    }
  }
}
