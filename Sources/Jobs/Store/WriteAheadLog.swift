import Files
import Foundation

/// SQLite's write-ahead log, looked at before SQLite opens it ("The WAL-Index… File Format", sqlite.org/fileformat2.html#walformat).
///
/// SQLite takes the frames up to the first one whose checksum is wrong, and drops the rest without a word. A log that was cut off at its
/// end by a power cut looks like one that was damaged in its last frame, but frames of the same log behind a wrong one may be commits that
/// were acknowledged: that is worth a line in the log.
package struct WriteAheadLog {
  /// Frames that SQLite will take.
  package private(set) var wholeFrames = 0
  /// Frames of this log behind the first wrong one, and how many of them end a transaction.
  package private(set) var lostFrames = 0
  package private(set) var lostCommits = 0

  /// - Returns: `nil` when there is no log, or an empty one.
  package init?(_ url: URL) {
    guard let file = try? OpenFile(url), file.size > Self.headerBytes, let header = Self.words(of: file, at: 0, count: 8) else {
      return nil
    }
    guard header[0] & ~1 == 0x377f_0682 else {
      (lostFrames, lostCommits) = (1, 1)
      return
    }
    let pageBytes = Int(header[2])
    guard pageBytes >= 512, pageBytes <= 65_536 else {
      (lostFrames, lostCommits) = (1, 1)
      return
    }
    let isBigEndian = header[0] & 1 == 1
    let headerSum = Self.sum(Self.bytes(of: file, at: 0, count: 24) ?? [], isBigEndian, (0, 0))
    var sum = headerSum
    var isWhole = headerSum == (header[6], header[7])
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
      if isWhole {
        wholeFrames += 1
      } else {
        lostFrames += 1
        if frame[1] != 0 { lostCommits += 1 }
      }
    }
  }

  private static let headerBytes = 32
  private static let frameBytes = 24

  private static func bytes(of file: OpenFile, at offset: Int, count: Int) -> [UInt8]? {
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
  /// Looks at the database's log before anybody opens the database, who would drop what is behind the damage: a copy is kept in lost+found.
  ///
  /// - Returns: the log when changes in it are lost, else `nil`.
  func copyDamagedLog() throws -> WriteAheadLog? {
    let url = root.appendingPathComponent("temper.sqlite-wal")
    guard let log = WriteAheadLog(url), log.lostCommits > 0 else { return nil }
    try lost.copy(url, because: "its frames after the first \(log.wholeFrames) do not match their checksums")
    return log
  }
}
