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

/// Gives libarchive a file in blocks, from any position.
///
/// libarchive could read the file itself, but its errors do not distinguish a failing disk from a damaged archive.
private final class ArchiveInput {
  let file: OpenFile
  /// The error for which libarchive got no more bytes.
  private(set) var refusal: (any Error)?
  /// Whether libarchive has read the directory of the archive. It keeps all of it in memory.
  var hasDirectory = false
  private static let longestDirectory = 1 << 20
  private var position = 0
  private var given = 0
  private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  init(_ file: OpenFile) { self.file = file }

  deinit { block.deallocate() }

  /// libarchive holds no reference, so the owner of the handle must keep this object alive.
  func attach(to handle: OpaquePointer) {
    archive_read_set_callback_data(handle, Unmanaged.passUnretained(self).toOpaque())
    archive_read_set_read_callback(handle) { _, context, block in
      guard let input = ArchiveInput.behind(context) else { return la_ssize_t(ARCHIVE_FATAL) }
      block?.pointee = UnsafeRawPointer(input.block.baseAddress)
      return input.next()
    }
    archive_read_set_skip_callback(handle) { _, context, count in ArchiveInput.behind(context)?.skip(count) ?? 0 }
    archive_read_set_seek_callback(handle) { _, context, offset, origin in
      ArchiveInput.behind(context)?.seek(offset, from: origin) ?? la_int64_t(ARCHIVE_FATAL)
    }
  }

  private static func behind(_ context: UnsafeMutableRawPointer?) -> ArchiveInput? {
    context.map { Unmanaged<ArchiveInput>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Fills the block.
  private func next() -> Int {
    do {
      let count = try file.read(into: block, at: position)
      position += count
      given += count
      guard hasDirectory || given <= Self.longestDirectory else {
        throw DatasetError(
          part: file.title, "the archive's directory is longer than 1 MiB; it must name the arrays of a data set and little more")
      }
      return count
    } catch {
      refusal = error
      return Int(ARCHIVE_FATAL)
    }
  }

  private func skip(_ count: Int64) -> Int64 {
    let skipped = min(max(Int(count), 0), max(file.size - position, 0))
    position += skipped
    return Int64(skipped)
  }

  private func seek(_ offset: Int64, from origin: Int32) -> Int64 {
    let start =
      switch origin {
      case SEEK_CUR: position
      case SEEK_END: file.size
      default: 0
      }
    let (place, overflow) = start.addingReportingOverflow(Int(offset))
    guard !overflow, place >= 0 else { return Int64(ARCHIVE_FATAL) }
    position = place
    return Int64(place)
  }
}
