import Files
import Foundation
import Glibc

/// SQLite's write-ahead log, looked at before SQLite opens it ("The WAL-Index… File Format", sqlite.org/fileformat2.html#walformat).
///
/// SQLite takes the frames up to the first one whose checksum is wrong, and drops the rest without a word. A log that was cut off at its
/// end by a power cut looks like one that was damaged in its last frame, and so does one whose process was killed while it wrote that frame:
/// SQLite writes its header and its page one after the other. But frames of the same log behind a wrong one may be commits that were
/// acknowledged: that is worth a line in the log.
package struct WriteAheadLog {
  /// Frames that match their checksums: SQLite will take those up to the last that ends a transaction.
  package private(set) var wholeFrames = 0
  package private(set) var wholeCommits = 0
  /// Frames of this log behind the first wrong one, and how many of them end a transaction.
  package private(set) var lostFrames = 0
  package private(set) var lostCommits = 0
  /// Of a page of the database; `nil` where the header of the log is damaged.
  private(set) var pageBytes: Int?
  /// Where the content of each page begins in the log, by the number of the page, as of the last whole commit.
  private(set) var pages: [Int: Int] = [:]
  /// The pages of the database after that commit.
  private(set) var pageCount = 0
  let file: OpenFile

  /// - Returns: `nil` when there is no log, or an empty one.
  package init?(_ url: URL) {
    guard let file = try? OpenFile(url), file.size > Self.headerBytes, let header = Self.words(of: file, at: 0, count: 8) else {
      return nil
    }
    self.file = file
    let isBigEndian = header[0] & 1 == 1
    let headerSum = Self.sum(Self.bytes(of: file, at: 0, count: 24) ?? [], isBigEndian, (0, 0))
    guard header[0] & ~1 == 0x377f_0682, headerSum == (header[6], header[7]), (512...65_536).contains(Int(header[2])) else {
      (lostFrames, lostCommits) = (1, 1)
      return
    }
    readFrames(header, pageBytes: Int(header[2]), after: headerSum)
    // It may never have been a commit.
    if lostFrames == 1 { (lostFrames, lostCommits) = (0, 0) }
  }

  private mutating func readFrames(_ header: [UInt32], pageBytes: Int, after headerSum: (UInt32, UInt32)) {
    self.pageBytes = pageBytes
    let isBigEndian = header[0] & 1 == 1
    var (sum, isWhole, pending) = (headerSum, true, [Int: Int]())
    for offset in stride(from: Self.headerBytes, through: file.size - Self.frameBytes - pageBytes, by: Self.frameBytes + pageBytes) {
      guard let frame = Self.words(of: file, at: offset, count: 6),
        let page = Self.bytes(of: file, at: offset, count: Self.frameBytes + pageBytes)
      else { return }
      // Frames of the time before the log was last emptied have other salts: the log ends there.
      guard frame[2] == header[4], frame[3] == header[5] else { return }
      if isWhole {
        sum = Self.sum(Array(page[Self.frameBytes...]), isBigEndian, Self.sum(Array(page[..<8]), isBigEndian, sum))
        isWhole = sum == (frame[4], frame[5])
      }
      guard isWhole else {
        lostFrames += 1
        if frame[1] != 0 { lostCommits += 1 }
        continue
      }
      wholeFrames += 1
      pending[Int(frame[0])] = offset + Self.frameBytes
      guard frame[1] != 0 else { continue }
      wholeCommits += 1
      pageCount = Int(frame[1])
      pages.merge(pending) { $1 }
      pending = [:]
    }
  }

  private static let headerBytes = 32
  private static let frameBytes = 24

  static func bytes(of file: OpenFile, at offset: Int, count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let read = bytes.withUnsafeMutableBytes { buffer in (try? file.read(into: buffer, at: offset)) ?? 0 }
    return read == count ? bytes : nil
  }

  /// Big-endian words, as headers have them.
  private static func words(of file: OpenFile, at offset: Int, count: Int) -> [UInt32]? {
    bytes(of: file, at: offset, count: 4 * count).map { words($0, isBigEndian: true) }
  }

  private static func words(_ bytes: [UInt8], isBigEndian: Bool) -> [UInt32] {
    bytes.withUnsafeBytes { buffer in
      (0..<buffer.count / 4).map { index in
        let word = buffer.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        return isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word)
      }
    }
  }

  private static func sum(_ bytes: [UInt8], _ isBigEndian: Bool, _ start: (UInt32, UInt32)) -> (UInt32, UInt32) {
    var (first, second) = start
    let words = words(bytes, isBigEndian: isBigEndian)
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      first = first &+ words[index] &+ second
      second = second &+ words[index + 1] &+ first
    }
    return (first, second)
  }
}

extension DataDirectory {
  /// Looks at the database's log before anybody opens the database, who would drop what is behind the damage.
  ///
  /// Where the database holds more without its log, the log is moved into lost+found; else a copy of it is kept there.
  ///
  /// - Returns: the log when it is damaged, else `nil`.
  func settleDamagedLog() throws -> (log: WriteAheadLog, isSetAside: Bool)? {
    let url = URL(fileURLWithPath: database.path + "-wal")
    guard let log = WriteAheadLog(url), log.lostCommits > 0 else { return nil }
    let reason = "its frames after the first \(log.wholeFrames) do not match their checksums"
    do {
      let isSetAside = try LogChoice(self).isBetterWithout(log)
      if isSetAside { try setAsideLog(because: reason) } else { try lost.copy(url, because: reason) }
      return (log, isSetAside)
    } catch let error as StorageError {
      throw DataDirectoryError(
        description: "the log of the database in \(root.path) is damaged, and no copy of it could be looked at: \(error)")
    }
  }

  /// Moves the log into lost+found, with the index of it gone.
  func setAsideLog(because reason: String) throws {
    let log = URL(fileURLWithPath: database.path + "-wal")
    if let file = try? OpenFile(log), file.size > 0 { try lost.take(log, because: reason) }
    unlink(database.path + "-shm")
  }
}
