/// Where pictures lie: an archive, or a folder of this machine.
protocol PictureSource {
  /// Its name in errors.
  var title: String { get }

  /// Calls `body` for each file, in an order that is always the same. It may be called again.
  ///
  /// - Throws: `DatasetError` for an archive that is damaged or holds what it may not; `StorageError`; errors of `body`.
  func forEachFile(_ body: (any PictureFile) throws -> Void) throws
}

/// A file of a `PictureSource`, good only while it is passed.
protocol PictureFile {
  /// The names of its folders and its own.
  var path: [String] { get }

  /// Appends the next bytes, at most `count`; fewer only at the end.
  ///
  /// - Throws: `PictureFault` where this file alone is damaged.
  func read(_ count: Int, into bytes: inout [UInt8]) throws
}

extension PictureFile {
  /// The path in errors.
  var title: String { String(path.joined(separator: "/").prefix(200)) }
}

/// The names of a path.
enum PicturePath {
  /// - Throws: `DatasetError` for a path that leads out of the archive.
  static func names(_ path: String, in archive: String) throws -> [String] {
    let names = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init).filter { $0 != "." }
    // Windows takes the other stroke.
    let isOutside = path.hasPrefix("/") || path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains("..")
    guard !isOutside, !path.unicodeScalars.contains(where: { $0.value == 0 }) else {
      throw DatasetError(part: archive, "the entry \(path.prefix(200)) leads out of the archive; paths must be relative, without ..")
    }
    return names
  }

  /// Whether a system or an editor left this file there, unasked.
  static func isHidden(_ path: [String]) -> Bool {
    path.contains { $0.hasPrefix(".") || ["__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"].contains($0) }
  }
}
