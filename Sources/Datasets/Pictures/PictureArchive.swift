import CArchive
import Files

/// Pictures in a zip or tar archive, the latter gzipped or not. It is read from front to back; nothing of it is ever written to the disk.
struct PictureArchive: PictureSource {
  private let file: OpenFile
  private let limits: DatasetLimits

  init(_ file: OpenFile, _ limits: DatasetLimits) {
    self.file = file
    self.limits = limits
  }

  var title: String { file.title }

  func forEachFile(_ body: (any PictureFile) throws -> Void) throws {
    try withUTF8Names {
      let reader = try ArchiveReader(file, limits)
      while let entry = try reader.next() { try body(entry) }
      try reader.finish()
    }
  }
}

/// One way through an archive.
private final class ArchiveReader {
  private enum Kind: String {
    case zip
    case tar
  }

  private let handle: OpaquePointer
  private let input: any ArchiveBytes
  private let kind: Kind
  private let title: String
  private var entries = 0

  /// The most bytes of a zip archive's directory: about those of `mostEntries`. libarchive keeps what it needs of it in memory.
  private static let longestDirectory = 256 << 20
  private static let mostEntries = 2_000_000

  init(_ file: OpenFile, _ limits: DatasetLimits) throws {
    let isGzip = try GzipSource.recognises(file)
    kind = try isGzip ? .tar : Self.kind(of: file)
    title = file.title
    guard let handle = archive_read_new() else { throw StorageError("\(file.title) cannot be read", errno: 12) }
    self.handle = handle
    switch kind {
    case .zip:
      input = ArchiveInput(file, longestDirectory: Self.longestDirectory)
      // The seekable reader goes by the directory at the archive's end. A file that was cut off has none and is refused.
      archive_read_support_format_zip_seekable(handle)
    case .tar:
      let source: any ByteSource = try isGzip ? GzipSource(file) : FileSource(file)
      input = ArchiveStream(source, title: file.title, limit: limits.uncompressedBytes)
      archive_read_support_format_tar(handle)
    }
    input.attach(to: handle)
    guard archive_read_open1(handle) == ARCHIVE_OK else { throw failure }
  }

  deinit { archive_read_free(handle) }

  private static func kind(of file: OpenFile) throws -> Kind {
    var first = [UInt8](repeating: 0, count: 512)
    let count = try first.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
    if first.starts(with: [0x50, 0x4B]) { return .zip }
    let others: [([UInt8], String)] = [
      (Array("BZh".utf8), "compressed by bzip2"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed by xz"),
      ([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd"), ([0x37, 0x7A, 0xBC, 0xAF], "a 7z archive"), (Array("Rar!".utf8), "a RAR archive"),
    ]
    if let other = others.first(where: { first.starts(with: $0.0) }) {
      throw DatasetError(part: file.title, "this is \(other.1); pictures come in a zip, a tar or a tar.gz")
    }
    if let picture = PictureFormat(first) {
      throw DatasetError(
        part: file.title, "this is one \(picture.rawValue) picture; a data set is an archive of train/CLASS/… and test/CLASS/…")
    }
    guard count == 512 else {
      throw DatasetError(part: file.title, "this has \(count) bytes and is no archive; a zip, a tar or a tar.gz is read")
    }
    return .tar
  }

  /// The next file; folders are passed over.
  func next() throws -> ArchiveEntry? {
    while true {
      var entry: OpaquePointer?
      let status = archive_read_next_header(handle, &entry)
      if let refusal = input.refusal { throw refusal }
      if let input = input as? ArchiveInput { input.hasDirectory = true }
      switch status {
      case ARCHIVE_EOF: return nil
      case ARCHIVE_OK, ARCHIVE_WARN: break
      default: throw failure
      }
      entries += 1
      guard entries <= Self.mostEntries else {
        throw DatasetError(part: title, "the archive has more than \(Self.mostEntries) entries, the most that are read")
      }
      let name =
        archive_entry_pathname_utf8(entry).map { String(cString: $0) } ?? archive_entry_pathname(entry).map { String(cString: $0) } ?? ""
      let path = try PicturePath.names(name, in: title)
      try requireFile(entry, name)
      if !isFolder(entry), !path.isEmpty { return ArchiveEntry(path: path, reader: self) }
    }
  }

  /// The types of `archive_entry.h`, macros that Swift does not see.
  private static let (regularFile, folder): (UInt32, UInt32) = (0o100000, 0o040000)

  private func isFolder(_ entry: OpaquePointer?) -> Bool { archive_entry_filetype(entry) == Self.folder }

  private func requireFile(_ entry: OpaquePointer?, _ name: String) throws {
    let type = archive_entry_filetype(entry)
    guard archive_entry_hardlink(entry) == nil, archive_entry_symlink(entry) == nil, type == Self.regularFile || type == Self.folder else {
      throw DatasetError(
        part: title, "the entry \(name.prefix(200)) is a link or a device; only files and folders are taken (tar --dereference)")
    }
    guard archive_entry_is_encrypted(entry) == 0 else {
      throw DatasetError(part: title, "the entry \(name.prefix(200)) is encrypted; it must be readable without a password")
    }
    // Other methods take up to 4 GiB of memory, as the header of the data demands.
    guard kind == .tar || isFolder(entry) || ["uncompressed", "deflation"].contains(method) else {
      throw DatasetError(part: title, "the entry \(name.prefix(200)) is compressed by the method \(method); zip stores or deflates")
    }
  }

  /// The compression method of the current entry. libarchive gives it as the end of the format's name.
  private var method: Substring {
    let format = archive_format_name(handle).map { String(cString: $0) } ?? ""
    return format.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
  }

  /// - Throws: `PictureFault` where the archive can still be read on.
  fileprivate func read(_ count: Int, into bytes: inout [UInt8]) throws {
    var missing = count
    try withUnsafeTemporaryAllocation(byteCount: min(count, 1 << 16), alignment: 16) { buffer in
      while missing > 0 {
        let found = archive_read_data(handle, buffer.baseAddress, min(missing, buffer.count))
        if let refusal = input.refusal { throw refusal }
        guard found >= 0 else {
          guard found == Int(ARCHIVE_FATAL) else { throw PictureFault("the archive has it damaged: \(reason)") }
          throw failure
        }
        if found == 0 { return }
        bytes.append(contentsOf: buffer[..<found])
        missing -= found
      }
    }
  }

  /// Checks what follows the last entry.
  func finish() throws { try (input as? ArchiveStream)?.finish() }

  private var reason: String { archive_error_string(handle).map { String(cString: $0) } ?? "unknown" }

  private var failure: any Error {
    input.refusal ?? DatasetError(part: title, "this is no whole \(kind.rawValue) archive; it was cut off, or is something else: \(reason)")
  }
}

/// The entry at which a reader stands.
private struct ArchiveEntry: PictureFile {
  let path: [String]
  let reader: ArchiveReader

  func read(_ count: Int, into bytes: inout [UInt8]) throws { try reader.read(count, into: &bytes) }
}
