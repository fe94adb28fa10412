import CArchive
import Files
import Glibc

/// What libarchive reads an archive from. libarchive holds no reference to it, so the owner of the handle must keep it alive.
protocol ArchiveBytes: AnyObject {
  /// The error for which libarchive got no more bytes.
  var refusal: (any Error)? { get }
  func attach(to handle: OpaquePointer)
}

/// Gives libarchive a file in blocks, from any position.
///
/// libarchive could read the file itself, but its errors do not distinguish a failing disk from a damaged archive.
final class ArchiveInput: ArchiveBytes {
  let file: OpenFile
  /// The error for which libarchive got no more bytes.
  private(set) var refusal: (any Error)?
  /// Whether libarchive has read the directory of the archive. It keeps all of it in memory.
  var hasDirectory = false
  private let longestDirectory: Int
  private var position = 0
  private var given = 0
  private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  /// - Parameter longestDirectory: in bytes.
  init(_ file: OpenFile, longestDirectory: Int = 1 << 20) {
    self.file = file
    self.longestDirectory = longestDirectory
  }

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
      guard hasDirectory || given <= longestDirectory else {
        throw DatasetError(
          part: file.title,
          "the archive's directory is longer than \(longestDirectory >> 20) MiB; it must name the files of a data set and little more")
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
