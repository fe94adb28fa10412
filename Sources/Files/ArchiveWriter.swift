import CArchive
import Foundation
import Glibc

/// An archive that cannot be read or written, as a phrase.
package struct ArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// Writes an archive entry by entry with libarchive. The same entries always give the same bytes: none has a time or an owner, and a zip
/// archive stores them as they are.
package final class ArchiveWriter {
  package enum Format: Sendable {
    case tar, zip
  }

  private let handle: OpaquePointer
  private let output: ArchiveOutput
  private var isFinished = false
  /// The entry that is being written, and how many of its bytes are to come.
  private var current: (name: String, bytes: Int, left: Int) = ("", 0, 0)
  /// `AE_IFREG` of `archive_entry.h`, a macro that Swift does not see.
  private static let regularFile: UInt32 = 0o100000

  /// - Parameter write: takes the archive piece by piece, from front to back.
  package init(_ format: Format, to write: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
    guard let handle = archive_write_new() else { throw StorageError("an archive cannot be written", errno: ENOMEM) }
    self.handle = handle
    output = ArchiveOutput(write)
    switch format {
    case .tar: archive_write_set_format_pax_restricted(handle)
    case .zip:
      archive_write_set_format_zip(handle)
      archive_write_zip_set_compression_store(handle)
    }
    archive_write_set_bytes_per_block(handle, 1 << 16)
    // A tar archive ends with its own zeros, and a zip archive may not be followed by any.
    archive_write_set_bytes_in_last_block(handle, 1)
    try check(output.attach(to: handle))
  }

  deinit {
    // What was not finished must not be flushed now.
    if !isFinished { archive_write_fail(handle) }
    archive_write_free(handle)
  }

  /// Writes an entry.
  ///
  /// - Parameters:
  ///   - name: in ASCII.
  ///   - bytes: of the content.
  ///   - body: hands over the content, as many bytes as promised.
  package func add(_ name: String, bytes: Int, _ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
    try begin(name, bytes: bytes)
    try body { try self.append($0) }
    try endEntry()
  }

  /// Begins an entry whose content comes by `append`, for a writer that waits between two pieces; `endEntry` ends it.
  package func begin(_ name: String, bytes: Int) throws {
    let entry = archive_entry_new()
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, name)
    archive_entry_set_filetype(entry, Self.regularFile)
    archive_entry_set_perm(entry, 0o644)
    archive_entry_set_size(entry, Int64(bytes))
    try check(archive_write_header(handle, entry))
    current = (name, bytes, bytes)
  }

  package func append(_ piece: UnsafeRawBufferPointer) throws {
    current.left -= piece.count
    precondition(current.left >= 0, "\(current.name) has more than \(current.bytes) bytes")
    var rest = piece[...]
    while !rest.isEmpty {
      let slice = UnsafeRawBufferPointer(rebasing: rest)
      let count = archive_write_data(handle, slice.baseAddress, slice.count)
      guard count > 0 else { throw failure }
      rest = rest.dropFirst(count)
    }
  }

  package func endEntry() throws {
    precondition(current.left == 0, "\(current.name) lacks \(current.left) of its \(current.bytes) bytes")
    try check(archive_write_finish_entry(handle))
  }

  /// Writes an entry that is in memory.
  package func add(_ name: String, _ content: some ContiguousBytes) throws {
    try content.withUnsafeBytes { bytes in try add(name, bytes: bytes.count) { try $0(bytes) } }
  }

  /// Writes the end of the archive.
  package func finish() throws {
    isFinished = true
    try check(archive_write_close(handle))
  }

  private var failure: any Error {
    output.refusal
      ?? ArchiveError("the archive cannot be written: \(archive_error_string(handle).map { String(cString: $0) } ?? "unknown")")
  }

  private func check(_ status: Int32) throws {
    guard status == ARCHIVE_OK else { throw failure }
  }
}

/// Takes what libarchive writes.
private final class ArchiveOutput {
  private let write: (UnsafeRawBufferPointer) throws -> Void
  /// The error for which libarchive could not write on.
  private(set) var refusal: (any Error)?

  init(_ write: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.write = write }

  /// libarchive holds no reference, so the owner of the handle must keep this object alive.
  func attach(to handle: OpaquePointer) -> Int32 {
    archive_write_open(
      handle, Unmanaged.passUnretained(self).toOpaque(), nil,
      { _, context, block, count in
        guard let context, let block else { return la_ssize_t(ARCHIVE_FATAL) }
        return Unmanaged<ArchiveOutput>.fromOpaque(context).takeUnretainedValue().take(UnsafeRawBufferPointer(start: block, count: count))
      }, nil)
  }

  private func take(_ block: UnsafeRawBufferPointer) -> Int {
    guard refusal == nil else { return Int(ARCHIVE_FATAL) }
    do {
      try write(block)
      return block.count
    } catch {
      refusal = error
      return Int(ARCHIVE_FATAL)
    }
  }
}
