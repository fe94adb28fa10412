import Files
import Foundation
import Testing

@Suite struct SealedFileTests {
  private let folder: TestFolder
  private let file: SealedFile

  init() throws {
    folder = try TestFolder()
    file = SealedFile(folder.url.appendingPathComponent("state"))
  }

  /// A number, a text and their digest, then a line and its digest on a line of its own.
  private func write() throws -> Int {
    try file.write {
      try $0.append(Data([3, 0, 0, 0, 0, 0, 0, 0]))
      try $0.append(Data("abc".utf8))
      try $0.appendDigest()
      try $0.append(Data("rest".utf8))
      try $0.appendDigest(between: "\n")
    }
  }

  private func read() throws -> String? {
    guard var reader = try file.open() else { return nil }
    let head = try reader.bytes(try reader.number())
    try reader.requireDigest()
    let rest = try reader.bytes(4)
    try reader.requireDigest(between: "\n")
    guard reader.offset == reader.file.size else { return nil }
    return String(decoding: head + rest, as: UTF8.self)
  }

  // Both digests are sha256sum's.
  private static let first = "ce91dc5eec0139adf091900d225971d6ad246a845bad791b5693a9d0d55dd391"
  private static let second = "0bcb2706d07968d78bcb2f97c412d1e012dde551e966b727cdaea76b4ef820f6"

  @Test("content and digests lie in the file one after the other, and are read again")
  func format() throws {
    let bytes = try write()
    let expected = Data([3, 0, 0, 0, 0, 0, 0, 0]) + Data("abc\(Self.first)rest\n\(Self.second)\n".utf8)
    #expect(try Data(contentsOf: file.url) == expected && bytes == expected.count)
    #expect(try read() == "abcrest")
    #expect(Folder.names(in: folder.url) == ["state"])
  }

  @Test("a file that is not there is nil, and one that was removed takes with it what a killed writer left")
  func absence() throws {
    #expect(try read() == nil)
    _ = try write()
    try Data("half".utf8).write(to: folder.url.appendingPathComponent(".state.new"))
    file.remove()
    #expect(Folder.names(in: folder.url).isEmpty)
  }

  @Test("a byte that changed anywhere, and an end that is missing, are damage")
  func damage() throws {
    _ = try write()
    let whole = try Data(contentsOf: file.url)
    for index in whole.indices {
      var changed = whole
      changed[index] ^= 1
      try changed.write(to: file.url)
      #expect(throws: SealedFile.Damage.self, "byte \(index)") { try read() }
      try whole.prefix(index).write(to: file.url)
      #expect(throws: SealedFile.Damage.self, "cut to \(index) bytes") { try read() }
    }
  }

  @Test("skipped bytes count for the digest")
  func skipping() throws {
    _ = try write()
    var reader = SealedReader(try OpenFile(file.url))
    try reader.skip(to: reader.file.size - SealedFile.digestBytes - 2)
    try reader.requireDigest(between: "\n")
    #expect(reader.offset == reader.file.size)
  }
}
