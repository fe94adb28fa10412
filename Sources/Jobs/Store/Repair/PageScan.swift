import Files
import Foundation
import GRDB

/// Reads the records of a database page by page, whatever leads to the pages (sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2).
///
/// The tree above a page may be broken, and the byte that says what the page is: each page is therefore read as each kind that holds
/// records. What is found may be nonsense; the caller tells by its values.
struct PageScan {
  /// Pages whose cells hold records. A table without row ids is kept as an index, which has records in its inner pages too.
  private enum Kind: CaseIterable {
    case tableLeaf, indexLeaf, indexInner

    var headBytes: Int { self == .indexInner ? 12 : 8 }
  }

  /// No table has as many columns.
  private static let mostColumns = 100

  private let file: OpenFile
  private let pageBytes: Int
  /// Pages are numbered from 1.
  private let count: Int

  /// - Throws: `StorageError`.
  init(_ url: URL, pageBytes: Int) throws {
    file = try OpenFile(url)
    self.pageBytes = pageBytes
    count = file.size / pageBytes
  }

  func forEachRecord(_ body: ([DatabaseValue]) throws -> Void) throws {
    let free = freePages()
    for number in 0..<count where !free.contains(number + 1) {
      guard let page = page(number + 1) else { continue }
      for kind in Kind.allCases {
        for place in places(page, isFirst: number == 0, kind) {
          if let payload = payload(page, place, kind), let values = Self.values(payload) { try body(values) }
        }
      }
    }
  }

  private func page(_ number: Int) -> [UInt8]? {
    (1...max(1, count)).contains(number) ? WriteAheadLog.bytes(of: file, at: (number - 1) * pageBytes, count: pageBytes) : nil
  }

  /// Those that hold what was deleted.
  private func freePages() -> Set<Int> {
    var (free, trunk) = (Set<Int>(), page(1).map { Self.word($0, 32) } ?? 0)
    while trunk > 0, !free.contains(trunk), let page = page(trunk) {
      free.insert(trunk)
      for index in 0..<min(Self.word(page, 4), (pageBytes - 8) / 4) { free.insert(Self.word(page, 8 + 4 * index)) }
      trunk = Self.word(page, 0)
    }
    return free
  }

  // MARK: Cells

  /// Where the cells of a page begin.
  private func places(_ page: [UInt8], isFirst: Bool, _ kind: Kind) -> [Int] {
    let head = isFirst ? DatabaseHeader.bytes : 0
    let first = head + kind.headBytes
    let named = Int(page[head + 3]) << 8 | Int(page[head + 4])
    return (0..<min(named, (pageBytes - first) / 2)).compactMap { index in
      let place = Int(page[first + 2 * index]) << 8 | Int(page[first + 2 * index + 1])
      return place >= first && place < pageBytes - 4 ? place : nil
    }
  }

  /// The record of a cell, put together from its overflow pages.
  private func payload(_ page: [UInt8], _ start: Int, _ kind: Kind) -> [UInt8]? {
    var place = kind == .indexInner ? start + 4 : start
    guard let size = Self.number(page, &place), size > 0, size <= Int64(file.size) else { return nil }
    if kind == .tableLeaf, Self.number(page, &place) == nil { return nil }
    let (total, local) = (Int(size), localBytes(Int(size), kind))
    guard place + local <= pageBytes else { return nil }
    var payload = Array(page[place..<place + local])
    guard local < total else { return payload }
    guard place + local + 4 <= pageBytes else { return nil }
    var next = Self.word(page, place + local)
    while payload.count < total {
      guard let more = self.page(next) else { return nil }
      payload += more[4..<min(pageBytes, 4 + total - payload.count)]
      next = Self.word(more, 0)
    }
    return payload
  }

  /// How much of a payload lies in the page of its cell.
  private func localBytes(_ total: Int, _ kind: Kind) -> Int {
    let most = kind == .tableLeaf ? pageBytes - 35 : (pageBytes - 12) * 64 / 255 - 23
    guard total > most else { return total }
    let fewest = (pageBytes - 12) * 32 / 255 - 23
    let wanted = fewest + (total - fewest) % (pageBytes - 4)
    return wanted <= most ? wanted : fewest
  }

  // MARK: Records

  private static func values(_ record: [UInt8]) -> [DatabaseValue]? {
    var place = 0
    guard let headBytes = number(record, &place), headBytes <= record.count else { return nil }
    var types: [Int64] = []
    while place < headBytes, types.count < mostColumns {
      guard let type = number(record, &place) else { return nil }
      types.append(type)
    }
    guard place == headBytes else { return nil }
    var values: [DatabaseValue] = []
    for type in types {
      guard let bytes = bytes(of: type), bytes <= record.count - place, let value = value(type, record[place..<place + bytes]) else {
        return nil
      }
      values.append(value)
      place += bytes
    }
    return place == record.count ? values : nil
  }

  /// Of a value of a serial type; `nil` for a type that there is not.
  private static func bytes(of type: Int64) -> Int? {
    switch type {
    case 0, 8, 9: 0
    case 1...4: Int(type)
    case 5: 6
    case 6, 7: 8
    case 12...: Int((type - 12) / 2)
    default: nil
    }
  }

  private static func value(_ type: Int64, _ bytes: ArraySlice<UInt8>) -> DatabaseValue? {
    switch type {
    case 0: .null
    case 8, 9: (type - 8).databaseValue
    case 7: Double(bitPattern: UInt64(truncatingIfNeeded: integer(bytes))).databaseValue
    case ..<7: integer(bytes).databaseValue
    case _ where type % 2 == 0: Data(bytes).databaseValue
    default: String(bytes: bytes, encoding: .utf8)?.databaseValue
    }
  }

  /// Big-endian, with a sign.
  private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64 {
    bytes.reduce(bytes.first.map { $0 >= 0x80 } ?? false ? -1 : 0) { $0 << 8 | Int64($1) }
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }

  /// A number of one to nine bytes ("varint"); `place` goes behind it.
  private static func number(_ bytes: [UInt8], _ place: inout Int) -> Int64? {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard place < bytes.count else { return nil }
      let byte = bytes[place]
      place += 1
      if index == 8 { return Int64(truncatingIfNeeded: value << 8 | UInt64(byte)) }
      value = value << 7 | UInt64(byte & 0x7F)
      if byte < 0x80 { return Int64(truncatingIfNeeded: value) }
    }
    return nil
  }
}
