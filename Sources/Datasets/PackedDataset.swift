import Files
import TensorEngine

/// A data set in one file, as it is trained from: the arrays of images and labels as they came, each from a multiple of 64 bytes on; a
/// footer in JSON that says where they are and what `DatasetSummary` says; its length, the version of the format and a magic (16 bytes).
///
/// Pixels are bytes or 32-bit floats, labels 16-bit integers, all of them little-endian, as the processors are that the kernels are
/// written for. The file is a function of the source alone, and holds no name: the same upload twice makes the same file.
package enum PackedDataset {
  static let alignment = 64

  /// Opens a packed data set: its labels come into memory, its pixels stay on the disk.
  ///
  /// - Throws: `DatasetError` when the file is damaged or another; `StorageError` when it cannot be read.
  package static func open(_ file: OpenFile, name: String) throws -> Dataset {
    do {
      let footer = try footer(of: file)
      let summary = footer.summary
      return Dataset(
        name: name, imageShape: Shape(summary.shape), classNames: summary.classNames,
        train: try split(footer.train, summary.train, summary, file), test: try split(footer.test, summary.test, summary, file),
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
    // A label beyond the classes is missing in the counts.
    guard perClass == facts.perClass else { throw PackedFault("its labels are not those that its footer counts") }
    return Split(imageShape: Shape(summary.shape), pixels: Pixels(part.images, of: file), labels: labels)
  }
}

extension OpenFile {
  /// Reads as much as `buffer` holds.
  ///
  /// - Throws: `StorageError`, also where the file ends before: it was cut after it was opened.
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
