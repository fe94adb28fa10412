import Foundation

/// Writes a file so that it is there whole or not at all, whenever the machine stops: under a temporary name, synced, renamed.
enum AtomicFile {
  /// - Parameter body: hands over the file piece by piece, so that it need not be in memory a second time.
  /// - Throws: `TrainingError.storage`; it names the file by its last component.
  static func write(to url: URL, _ body: (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
    let temporary = url.appendingPathExtension("partial")
    let descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("be created", url) }
    do {
      try body { try write($0, to: descriptor, url) }
      guard fsync(descriptor) == 0 else { throw failure("be synced to disk", url) }
    } catch {
      close(descriptor)
      unlink(temporary.path)
      throw error
    }
    close(descriptor)
    try replace(url, by: temporary)
  }

  /// Renames a finished, synced file, and syncs the folder.
  private static func replace(_ url: URL, by temporary: URL) throws {
    guard rename(temporary.path, url.path) == 0 else {
      let error = failure("be renamed", url)
      unlink(temporary.path)
      throw error
    }
    let folder = open(url.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw failure("be synced to disk", url) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw failure("be synced to disk", url) }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ url: URL) throws {
    var written = 0
    while written < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("be written", url) }
      written += count
    }
  }

  private static func failure(_ what: String, _ url: URL) -> TrainingError {
    .storage("\(url.lastPathComponent) cannot \(what): \(String(cString: strerror(errno)))")
  }
}
