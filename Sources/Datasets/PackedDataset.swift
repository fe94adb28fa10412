import Files
import TensorEngine

/// A data set in one file, from which training reads. It holds the arrays of images and labels, each at a multiple of 64 bytes; a JSON
/// footer with their offsets and the `DatasetSummary`; and 16 bytes with the footer's length, the format version and a magic.
///
/// Pixels are bytes or 32-bit floats and labels 16-bit integers, all little-endian like the processors that the kernels support. The file
/// depends on the source alone and holds no name, so the same upload always gives the same file.
package enum PackedDataset {
  static let alignment = 64

  /// Opens a packed data set. Its labels are read into memory, its pixels stay on disk.
  ///
  /// - Throws: `DatasetError` when the file is damaged or not a packed data set; `StorageError` when it cannot be read.
  package static func open(_ file: OpenFile, name: String) throws -> Dataset {
    do {
      let footer = try footer(of: file)
      let summary = footer.summary
      var train = try split(footer.train, summary.train, summary, file)
      if let validation = footer.validation, let facts = summary.validation {
        train = train.followed(by: try split(validation, facts, summary, file))
      }
      return Dataset(
        name: name, imageShape: Shape(summary.shape), classNames: summary.classNames, train: train,
        givenValidation: summary.validation?.count ?? 0, test: try split(footer.test, summary.test, summary, file),
        sha256: summary.sha256, sourceBytes: summary.bytes)
    } catch let fault as PackedFault {
      throw DatasetError(part: file.title, "the packed data set is damaged: \(fault.phrase)")
    }
  }

  private static func footer(of file: OpenFile) throws -> PackedFooter {
    let end = file.size - PackedFooter.trailerBytes
    guard end >= 0 else { throw PackedFault("it has \(file.size) bytes only") }
    let length = try PackedFooter.length(trailer: file.bytes(PackedFooter.trailerBytes, at: end))
    guard length <= end else { throw PackedFault("its footer is said to be longer than the file") }
    return try PackedFooter(file.bytes(length, at: end - length), after: end - length)
  }

  private static func split(
    _ part: PackedFooter.Part, _ facts: DatasetSummary.Part, _ summary: DatasetSummary, _ file: OpenFile
  ) throws -> Split {
    let labels = try [UInt16](unsafeUninitializedCapacity: facts.count) { buffer, initialized in
      try file.fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<facts.count])), at: part.labels.offset)
      initialized = facts.count
    }
    var perClass = [Int](repeating: 0, count: summary.classes)
    for label in labels where Int(label) < summary.classes { perClass[Int(label)] += 1 }
    // A label beyond the classes is not counted, so the counts differ then.
    guard perClass == facts.perClass else { throw PackedFault("its labels are not those that its footer counts") }
    return Split(imageShape: Shape(summary.shape), pixels: Pixels(part.images, of: file), labels: labels)
  }
}

extension OpenFile {
  /// Reads exactly as many bytes as `buffer` holds.
  ///
  /// - Throws: `StorageError`, also when the file ends too early because it was cut after it was opened.
  func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) {
    let count = try read(into: buffer, at: offset)
    guard count == buffer.count else {
      throw StorageError("\(title) was cut: of the \(size) bytes that it had when it was opened, byte \(offset + count) is not there")
    }
  }

  fileprivate func bytes(_ count: Int, at offset: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])), at: offset)
      initialized = count
    }
  }
}
