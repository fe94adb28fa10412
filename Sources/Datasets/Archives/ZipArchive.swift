import CArchive
import Files
import Glibc

/// Reads a zip archive entry by entry with libarchive.
final class ZipArchive {
  private let input: ArchiveInput
  private let handle: OpaquePointer

  init(_ file: OpenFile) throws {
    guard let handle = archive_read_new() else { throw StorageError("\(file.title) cannot be decompressed", errno: ENOMEM) }
    self.handle = handle
    input = ArchiveInput(file)
    input.attach(to: handle)
    // The seekable reader goes by the directory at the archive's end. A file that was cut off has none and is refused.
    guard archive_read_support_format_zip_seekable(handle) == ARCHIVE_OK, archive_read_open1(handle) == ARCHIVE_OK else {
      throw failure()
    }
  }

  deinit { archive_read_free(handle) }

  /// Goes to the next entry.
  ///
  /// - Returns: its name, or nil after the last.
  func nextEntry() throws -> String? {
    var entry: OpaquePointer?
    let status = archive_read_next_header(handle, &entry)
    if let refusal = input.refusal { throw refusal }
    input.hasDirectory = true
    switch status {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: return archive_entry_pathname(entry).map { String(cString: $0) } ?? ""
    default: throw failure()
    }
  }

  private func failure(in entry: String? = nil) -> any Error {
    if let refusal = input.refusal { return refusal }
    let reason = archive_error_string(handle).map { String(cString: $0) } ?? "unknown"
    return DatasetError(part: entry ?? input.file.title, "this is no whole zip archive as numpy.savez writes it: \(reason)")
  }

  /// The compression method of the current entry. libarchive gives it as the end of the format's name.
  private var method: Substring {
    let format = archive_format_name(handle).map { String(cString: $0) } ?? ""
    return format.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
  }

  /// The bytes of the archive's current entry.
  final class Entry: ByteSource {
    private let archive: ZipArchive
    private let title: String
    /// Whether its bytes are stored as they are.
    let isStored: Bool

    /// - Throws: `DatasetError` for a compression method that NumPy does not use. Some of these take up to 4 GiB of memory, as their
    ///   header demands.
    init(of archive: ZipArchive, title: String) throws {
      guard ["uncompressed", "deflation"].contains(archive.method) else {
        throw DatasetError(
          part: title, "the array is compressed by the method \(archive.method); numpy.savez and numpy.savez_compressed store or deflate")
      }
      self.archive = archive
      self.title = title
      isStored = archive.method == "uncompressed"
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      let count = archive_read_data(archive.handle, buffer.baseAddress, buffer.count)
      guard count >= 0, archive.input.refusal == nil else { throw archive.failure(in: title) }
      return count
    }
  }
}
