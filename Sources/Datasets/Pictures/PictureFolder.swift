import Files
import Foundation

/// Pictures in a folder of this machine.
struct PictureFolder: PictureSource {
  private let folder: URL
  private let paths: [[String]]

  /// Lists the folder. Links to folders are not followed.
  init(_ folder: URL) throws {
    self.folder = folder
    var paths: [[String]] = []
    try Self.list(folder, [], &paths)
    self.paths = paths
  }

  var title: String { folder.lastPathComponent }

  func forEachFile(_ body: (any PictureFile) throws -> Void) throws {
    for path in paths { try body(FileInFolder(path, url(path))) }
  }

  /// The SHA-256 of each file's path, a zero byte and its content, in order, and the bytes of all.
  func digest(_ check: () throws -> Void) throws -> (sha256: String, bytes: Int) {
    let digest = SHA256Digest()
    var bytes = 0
    for path in paths where !PicturePath.isHidden(path) {
      digest.update(Array((path.joined(separator: "/") + "\0").utf8))
      try OpenFile(url(path)).forEachPiece { piece in
        try check()
        digest.update(piece)
        bytes += piece.count
      }
    }
    return (digest.finishHex(), bytes)
  }

  private func url(_ path: [String]) -> URL { path.reduce(folder) { $0.appendingPathComponent($1) } }

  private static func list(_ folder: URL, _ names: [String], _ paths: inout [[String]]) throws {
    let keys: [URLResourceKey] = [.isDirectoryKey, .isRegularFileKey, .isSymbolicLinkKey]
    let entries: [URL]
    do {
      entries = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: keys)
    } catch {
      throw DatasetError(part: folder.lastPathComponent, "the folder cannot be read")
    }
    for entry in entries.sorted(by: { $0.lastPathComponent < $1.lastPathComponent }) {
      let path = names + [entry.lastPathComponent]
      let values = try entry.resourceValues(forKeys: Set(keys))
      if values.isDirectory == true, values.isSymbolicLink != true {
        if !PicturePath.isHidden(path) { try list(entry, path, &paths) }
      } else if values.isRegularFile == true || values.isSymbolicLink == true, isFile(entry) {
        paths.append(path)
      }
    }
  }

  private static func isFile(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && !isFolder.boolValue
  }
}

/// A file of a folder, open from its first read.
private final class FileInFolder: PictureFile {
  let path: [String]
  private let url: URL
  private var file: OpenFile?
  private var offset = 0

  init(_ path: [String], _ url: URL) { (self.path, self.url) = (path, url) }

  func read(_ count: Int, into bytes: inout [UInt8]) throws {
    let file = try self.file ?? OpenFile(url, title: title)
    self.file = file
    let wanted = min(count, max(file.size - offset, 0))
    let piece = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
      initialized = try file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<wanted]), at: offset)
    }
    offset += piece.count
    bytes += piece
  }
}
