import Foundation

/// Why a data set cannot be read: what is wrong, where, and what would be right. It never contains a path.
package struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
  /// The part of the upload (`train_images`), the array (`x_train`), or the name of the file.
  package let part: String?
  /// The position in the part, in bytes after decompression.
  package let offset: Int?
  /// A sentence.
  package let detail: String

  package init(part: String? = nil, offset: Int? = nil, _ detail: String) {
    self.part = part
    self.offset = offset
    self.detail = detail
  }

  package var description: String {
    let place = [part, offset.map { "at byte \($0)" }].compactMap { $0 }.joined(separator: ", ")
    return place.isEmpty ? detail : "\(place): \(detail)"
  }

  package var errorDescription: String? { description }
}
