import CArchive

/// A zip archive, entry by entry, by libarchive.
final class ZipArchive {
  private let file: RegularFile
  private let handle: OpaquePointer

  init(_ file: RegularFile) throws {
    guard let handle = archive_read_new() else {
      throw DatasetError(part: file.title, "there is no memory to read the archive")
    }
    self.file = file
    self.handle = handle
    // Seekable only: the archive's directory at its end is the authority, and a file cut off has none.
    guard archive_read_support_format_zip_seekable(handle) == ARCHIVE_OK,
      archive_read_open_fd(handle, file.descriptor, 1 << 16) == ARCHIVE_OK
    else { throw failure() }
  }

  deinit { archive_read_free(handle) }

  /// Goes to the next entry.
  ///
  /// - Returns: its name, or nil after the last.
  func nextEntry() throws -> String? {
    var entry: OpaquePointer?
    switch archive_read_next_header(handle, &entry) {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: return archive_entry_pathname(entry).map { String(cString: $0) } ?? ""
    default: throw failure()
    }
  }

  private func failure(in entry: String? = nil) -> DatasetError {
    let reason = archive_error_string(handle).map { String(cString: $0) } ?? "unknown"
    return DatasetError(part: entry ?? file.title, "this is no whole zip archive as numpy.savez writes it: \(reason)")
  }

  /// The bytes of the entry that the archive is at.
  final class Entry: ByteSource {
    private let archive: ZipArchive
    private let title: String

    init(of archive: ZipArchive, title: String) {
      self.archive = archive
      self.title = title
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      let count = archive_read_data(archive.handle, buffer.baseAddress, buffer.count)
      guard count >= 0 else { throw archive.failure(in: title) }
      return count
    }
  }
}
