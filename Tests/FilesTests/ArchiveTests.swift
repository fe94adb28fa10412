import Files
import Foundation
import Testing

@Suite("Archives") struct ArchiveTests {
  /// Writes a tar archive with these members.
  private func tar(_ members: [(name: String, content: Data)], to url: URL) throws -> Data {
    try AtomicFile.write(to: url) { file in
      let archive = try ArchiveWriter(.tar) { try file.append($0) }
      for (name, content) in members { try archive.add(name, content) }
      try archive.finish()
    }
    return try Data(contentsOf: url)
  }

  private func members(of url: URL) throws -> [String: Data] {
    let archive = try TarArchive(OpenFile(url))
    var members: [String: Data] = [:]
    while let (name, bytes) = try archive.nextEntry() {
      var content = Data()
      try archive.forEachPiece { content.append(contentsOf: $0) }
      #expect(content.count == bytes)
      members[name] = content
    }
    return members
  }

  private let samples: [(name: String, content: Data)] = [
    ("empty", Data()), ("short", Data("a few words\n".utf8)), ("long", Data((0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 31) })),
  ]

  @Test("a tar archive has its members for the tar program and for the reader, and the same bytes each time")
  func tarMembers() throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("a.tar")
    let bytes = try tar(samples, to: url)
    #expect(try tar(samples, to: folder.url.appendingPathComponent("b.tar")) == bytes)
    #expect(try members(of: url) == Dictionary(uniqueKeysWithValues: samples.map { ($0.name, $0.content) }))
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    program.arguments = ["tar", "xf", url.path, "-C", folder.url.path]
    try program.run()
    program.waitUntilExit()
    #expect(program.terminationStatus == 0)
    for (name, content) in samples { #expect(try Data(contentsOf: folder.url.appendingPathComponent(name)) == content) }
  }

  @Test(
    "a member can be read in its place as a file, also behind the extended headers of other programs", arguments: ["ustar", "gnu", "pax"])
  func contentFile(_ format: String) throws {
    let folder = try TestFolder()
    // A name and a time that only extended headers hold.
    let name = String(repeating: "long-", count: 30)
    for (name, content) in samples + [(name, Data("at the end".utf8))] where name.count < 100 || format != "ustar" {
      try content.write(to: folder.url.appendingPathComponent(name))
    }
    let names = samples.map(\.name) + (format == "ustar" ? [] : [name])
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    program.arguments = ["tar", "cf", folder.url.appendingPathComponent("a.tar").path, "--format=\(format)", "-C", folder.url.path] + names
    try program.run()
    program.waitUntilExit()
    let archive = try TarArchive(OpenFile(folder.url.appendingPathComponent("a.tar")))
    var found: [String] = []
    while let (name, bytes) = try archive.nextEntry() {
      let file = try archive.contentFile(title: "part")
      var content = Data()
      try file.forEachPiece(of: 1_000) { content.append(contentsOf: $0) }
      #expect(try content == Data(contentsOf: folder.url.appendingPathComponent(name)) && file.size == bytes)
      #expect(try file.sha256() == SHA256Digest.hex(of: content))
      found.append(name)
    }
    #expect(found == names)
  }

  @Test("an error of whoever takes the archive comes back as it is, and nothing is written after it")
  func refused() throws {
    struct Full: Error {}
    var pieces = 0
    #expect(throws: Full.self) {
      let archive = try ArchiveWriter(.zip) { _ in
        pieces += 1
        throw Full()
      }
      for number in 0..<4 { try archive.add("\(number)", samples[2].content) }
      try archive.finish()
    }
    #expect(pieces == 1)
  }

  @Test("a tar archive that was cut anywhere is refused, or lacks what was cut", arguments: [1, 300, 511, 512, 900, 5_000])
  func cut(_ count: Int) throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("a.tar")
    let bytes = try tar(samples, to: url)
    try bytes.prefix(count).write(to: url)
    let found = try? members(of: url)
    #expect((found ?? [:])["long"] == nil)
  }

  // The entry empty takes 512 bytes and short 1,024; the content of long begins at 2,048.
  static let cuts = [
    (600, "behind its entry empty"), (1_030, "within its entry short of 12 bytes"),
    (700_000, "its entry long is said to have 700001 bytes, and the whole archive has 700000"), (701_000, "within its entry long"),
  ]

  @Test("an archive that was cut says where", arguments: cuts)
  func placeOfTheCut(count: Int, place: String) throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("a.tar")
    try tar(samples, to: url).prefix(count).write(to: url)
    let error = try #require(throws: ArchiveError.self) { _ = try members(of: url) }
    #expect(error.description.contains(place), "\(error)")
  }

  @Test("an archive that was cut between two entries has no end")
  func end() throws {
    let folder = try TestFolder()
    let url = folder.url.appendingPathComponent("a.tar")
    let bytes = try tar(samples, to: url)
    #expect(try TarArchive(OpenFile(url)).hasEnd)
    for count in [512, 1_536, bytes.count - 1_024] {
      try bytes.prefix(count).write(to: url)
      #expect(try !TarArchive(OpenFile(url)).hasEnd, "\(count)")
    }
  }
}
