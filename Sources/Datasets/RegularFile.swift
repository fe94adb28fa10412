import Files
import Foundation
import Glibc

/// A file on disk, open for reading; closed when the last reference goes.
final class RegularFile {
  let title: String
  let descriptor: Int32

  init(_ file: DatasetFile) throws {
    title = file.title
    // O_NONBLOCK: a pipe in the file's place must not hold up the open; on a regular file it means nothing.
    descriptor = open(file.url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw DatasetError(part: file.title, "the file cannot be opened: \(String(cString: strerror(errno)))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw DatasetError(part: file.title, "this is not a regular file")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Fills as much of `buffer` as one `read` gives.
  ///
  /// - Returns: the number of bytes; 0 at the end of the file only.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      guard errno == EINTR else {
        throw DatasetError(part: title, "the file cannot be read: \(String(cString: strerror(errno)))")
      }
    }
  }

  /// The first `count` bytes, or all of a shorter file; the position stays where it is.
  func firstBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = max(pread(descriptor, buffer.baseAddress, count, 0), 0)
    }
  }

  /// Feeds the rest of the file to `digest`.
  ///
  /// - Returns: the number of bytes.
  func hash(into digest: borrowing SHA256Digest) throws -> Int {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var total = 0
    while case let count = try read(into: buffer), count > 0 {
      digest.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      total += count
    }
    return total
  }
}
