import Files
import Foundation
import Glibc

/// A copy of a database in one file: with or without what its log holds. The original is only read.
struct DatabaseCopy {
  let url: URL
  let pageBytes: Int
  private let folder: URL

  /// - Parameters:
  ///   - log: its pages, up to the last whole commit, take their places in the copy.
  ///   - mendsHeader: whether the parts of the header that are always the same are written anew.
  /// - Throws: `StorageError`.
  init(of directory: DataDirectory, with log: WriteAheadLog?, mendsHeader: Bool = false) throws {
    folder = directory.root.appendingPathComponent("incoming/new-copy-\(UUID().uuidString)", isDirectory: true)
    url = folder.appendingPathComponent("temper.sqlite")
    let source = try OpenFile(directory.database)
    let header = DatabaseHeader(WriteAheadLog.bytes(of: source, at: 0, count: DatabaseHeader.bytes) ?? [])
    pageBytes = header.pageBytes ?? log?.pageBytes ?? DatabaseHeader.usualPageBytes
    try Folder.make(folder)
    do {
      let copy = try NewFile(url, title: "a copy of the database")
      try source.forEachPiece { try copy.append($0) }
      copy.keep()
      try patch(log, mendsHeader: mendsHeader)
    } catch {
      remove()
      throw error
    }
  }

  func remove() { Folder.remove(folder) }

  private func patch(_ log: WriteAheadLog?, mendsHeader: Bool) throws {
    let path = url.path
    let descriptor = try systemCall("a copy of the database cannot be opened") { open(path, O_RDWR | O_CLOEXEC) }
    defer { close(descriptor) }
    if let log, log.wholeCommits > 0 { try apply(log, descriptor) }
    guard mendsHeader else { return }
    let file = try OpenFile(url)
    var header = DatabaseHeader(WriteAheadLog.bytes(of: file, at: 0, count: DatabaseHeader.bytes) ?? [])
    header.mend(pageBytes: pageBytes, pages: file.size / pageBytes)
    try write(header.content, at: 0, descriptor)
  }

  private func apply(_ log: WriteAheadLog, _ descriptor: Int32) throws {
    for (number, place) in log.pages where number >= 1 {
      guard let page = WriteAheadLog.bytes(of: log.file, at: place, count: pageBytes) else { continue }
      try write(page, at: (number - 1) * pageBytes, descriptor)
    }
    try systemCall("a copy of the database cannot be written") { ftruncate(descriptor, log.pageCount * pageBytes) }
  }

  private func write(_ content: [UInt8], at offset: Int, _ descriptor: Int32) throws {
    var written = 0
    while written < content.count {
      let done = written
      let count = try systemCall("a copy of the database cannot be written") {
        content[done...].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + done)) }
      }
      written += count
    }
  }
}
