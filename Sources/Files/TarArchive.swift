import CArchive
import Glibc

/// Reads a tar archive entry by entry with libarchive.
package final class TarArchive {
  private let file: OpenFile
  private let handle: OpaquePointer

  /// - Parameter file: just opened; it is read from its beginning.
  package init(_ file: OpenFile) throws {
    guard let handle = archive_read_new() else { throw StorageError("\(file.title) cannot be read", errno: ENOMEM) }
    self.file = file
    self.handle = handle
    archive_read_support_format_tar(handle)
    guard archive_read_open_fd(handle, file.descriptor, 1 << 16) == ARCHIVE_OK else { throw failure }
  }

  deinit { archive_read_free(handle) }

  /// Goes to the next entry.
  ///
  /// - Returns: its name and the bytes of its content, never more than the whole file has; nil after the last.
  package func nextEntry() throws -> (name: String, bytes: Int)? {
    var entry: OpaquePointer?
    switch archive_read_next_header(handle, &entry) {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: break
    default: throw failure
    }
    let name = archive_entry_pathname(entry).map { String(cString: $0) } ?? ""
    let bytes = archive_entry_size(entry)
    // A sparse entry may claim any size.
    guard bytes >= 0, bytes <= file.size else { throw ArchiveError("the entry \(name.prefix(100)) is said to have \(bytes) bytes") }
    return (name, Int(bytes))
  }

  /// Passes the content of the current entry to `body` in pieces.
  package func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count = archive_read_data(handle, buffer.baseAddress, buffer.count)
      guard count >= 0 else { throw failure }
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  private var failure: ArchiveError {
    ArchiveError("this is no whole tar archive: \(archive_error_string(handle).map { String(cString: $0) } ?? "unknown")")
  }
}
