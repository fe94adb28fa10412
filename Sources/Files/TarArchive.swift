import CArchive
import Glibc

/// Reads a tar archive entry by entry with libarchive.
package final class TarArchive {
  private let file: OpenFile
  private let handle: OpaquePointer
  /// The entry that is being read, and how much of it was.
  private var entry: (name: String, bytes: Int, read: Int)?

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
    var header: OpaquePointer?
    switch archive_read_next_header(handle, &header) {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: break
    default: throw failure
    }
    let name = archive_entry_pathname(header).map { String(cString: $0) } ?? ""
    let bytes = archive_entry_size(header)
    // A sparse entry may claim any size.
    guard bytes >= 0, bytes <= file.size else {
      throw ArchiveError(
        "its entry \(name.prefix(100)) is said to have \(bytes) bytes, and the whole archive has \(file.size): it was cut off, or changed")
    }
    entry = (String(name.prefix(100)), Int(bytes), 0)
    return (name, Int(bytes))
  }

  /// The content of the current entry as a file of its own, without a copy.
  package func contentFile(title: String) throws -> OpenFile {
    guard let entry else { throw ArchiveError("there is no entry to read") }
    // libarchive tells where the entry's headers begin (POSIX.1-2017, pax, "ustar Interchange Format").
    var offset = Int(archive_read_header_position(handle))
    var block = [UInt8](repeating: 0, count: 512)
    while true {
      let count = try block.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
      guard count == block.count else { throw ArchiveError("the archive was cut off within its entry \(entry.name)") }
      offset += block.count
      // Extended headers, of pax and of GNU, come before the entry's own.
      guard "xgLK".utf8.contains(block[156]) else { break }
      let digits = block[124..<136].prefix { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
      offset += (digits.reduce(0) { $0 * 8 + Int($1 - UInt8(ascii: "0")) } + 511) / 512 * 512
    }
    return try OpenFile(file, bytes: offset..<offset + entry.bytes, title: title)
  }

  /// Whether the archive ends as archives do, with 1,024 zeros. One that was cut off between two entries does not.
  package var hasEnd: Bool {
    get throws {
      var end = [UInt8](repeating: 1, count: 1_024)
      _ = try end.withUnsafeMutableBytes { try file.read(into: $0, at: max(file.size - $0.count, 0)) }
      return end.allSatisfy { $0 == 0 }
    }
  }

  /// Passes the content of the current entry to `body` in pieces.
  package func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count = archive_read_data(handle, buffer.baseAddress, buffer.count)
      guard count >= 0 else { throw failure }
      if count == 0 { return }
      entry?.read += count
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  private var failure: ArchiveError {
    let reason = archive_error_string(handle).map { String(cString: $0) } ?? "unknown"
    guard let entry else { return ArchiveError("this is no tar archive: \(reason)") }
    let place = entry.read < entry.bytes ? "within its entry \(entry.name) of \(entry.bytes) bytes" : "behind its entry \(entry.name)"
    return ArchiveError("the archive was cut off or changed \(place): \(reason)")
  }
}
