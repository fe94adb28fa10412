import CArchive
import Files
import Glibc

/// Gives libarchive bytes from front to back: a tar archive, decompressed where it is compressed.
final class ArchiveStream: ArchiveBytes {
  private let source: any ByteSource
  private let title: String
  private let limit: Int
  private(set) var refusal: (any Error)?
  private var given = 0
  /// The zeros at the end of what was given so far.
  private var zeros = 0
  private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  /// - Parameter limit: the most bytes after decompression.
  init(_ source: any ByteSource, title: String, limit: Int) {
    (self.source, self.title, self.limit) = (source, title, limit)
  }

  deinit { block.deallocate() }

  func attach(to handle: OpaquePointer) {
    archive_read_set_callback_data(handle, Unmanaged.passUnretained(self).toOpaque())
    archive_read_set_read_callback(handle) { _, context, block in
      guard let stream = context.map({ Unmanaged<ArchiveStream>.fromOpaque($0).takeUnretainedValue() }) else {
        return la_ssize_t(ARCHIVE_FATAL)
      }
      block?.pointee = UnsafeRawPointer(stream.block.baseAddress)
      return stream.next()
    }
  }

  /// Fills the block.
  private func next() -> Int {
    do {
      let count = try source.read(into: block)
      let end = block[..<count].reversed().prefix { $0 == 0 }.count
      zeros = end == count ? zeros + end : end
      given += count
      guard given <= limit else {
        throw DatasetError(part: title, "the archive has more than \(limit) bytes after decompression, the limit for a data set")
      }
      return count
    } catch {
      refusal = error
      return Int(ARCHIVE_FATAL)
    }
  }

  /// Reads what follows the last entry: a decompressor compares its checksum there.
  ///
  /// - Throws: when the archive does not end as archives do, with 1,024 zeros (POSIX.1-2017, pax): it was cut between two entries.
  func finish() throws {
    while next() > 0 {}
    if let refusal { throw refusal }
    guard zeros >= 1_024 else {
      throw DatasetError(part: title, offset: given, "the archive does not end with the zeros that end a tar archive; it was cut off")
    }
  }
}
