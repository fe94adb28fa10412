import Datasets
import Files
import Foundation
import TensorEngine
import Testing

@Suite struct PackedDatasetTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func pack(_ source: String, as name: String = "packed", check: @escaping () throws -> Void = {}) throws -> NewFile {
    let file = try NewFile(folder.url.appendingPathComponent(name))
    _ = try DatasetSource.pack(
      format: .npz, files: [DatasetFile(part: "body", url: fixture(source))], into: file, check: check)
    return file
  }

  private func open(_ bytes: some Collection<UInt8>) throws -> Dataset {
    try PackedDataset.open(OpenFile(folder.write(Array(bytes), to: "open")), name: "named")
  }

  private func packed(_ source: String) throws -> [UInt8] {
    let file = try pack(source, as: UUID().uuidString)
    return [UInt8](try Data(contentsOf: file.url))
  }

  // MARK: The file

  @Test("the same source makes the same file, and its digest is that of the file")
  func deterministic() throws {
    let (first, second, other) = (try pack("colour.npz", as: "first"), try pack("colour.npz", as: "second"), try pack("rows.npz"))
    #expect(first.sha256 == second.sha256)
    #expect(first.sha256 != other.sha256)
    #expect(try SHA256Digest.hex(ofFile: first.url) == first.sha256)
  }

  private struct Footer: Decodable {
    struct Part: Decodable { let images, labels: Array }
    struct Array: Decodable {
      let kind: String
      let offset, count: Int
    }
    let train, test: Part
    let summary: DatasetSummary
  }

  @Test("the arrays stand in the order of the source, each from a multiple of 64 bytes on, and the footer says where")
  func layout() throws {
    let bytes = try packed("grey.npz")
    let end = bytes.count - 16
    #expect(Array(bytes[(end + 4)...]) == [1, 0, 0, 0] + Array("TEMPERDS".utf8))
    let length = bytes[end..<end + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    let footer = try JSONDecoder().decode(Footer.self, from: Data(bytes[(end - length)..<end]))
    #expect(footer.summary == (try DatasetSource.load(format: .npz, path: fixture("grey.npz")).summary))
    let arrays = [footer.train.images, footer.test.images, footer.train.labels, footer.test.labels]
    #expect(arrays.map(\.kind) == ["uint8", "uint8", "uint16", "uint16"])
    #expect(arrays.map(\.offset) == [0, 128, 256, 320])
    #expect(arrays.map(\.count) == [6 * 20, 4 * 20, 6, 4])
    #expect(Array(bytes[256..<268]) == [0, 0, 1, 0, 2, 0, 2, 0, 1, 0, 0, 0])
    #expect(Array(bytes[268..<320]) == [UInt8](repeating: 0, count: 52))
  }

  @Test("a file is opened under any name, with its labels in memory and nothing else", arguments: ["grey.npz", "colour.npz", "rows.npz"])
  func opened(source: String) throws {
    let data = try open(packed(source))
    #expect(data.name == "named")
    #expect(data.summary == (try DatasetSource.load(format: .npz, path: fixture(source)).summary))
    #expect(data.memoryBytes == 10 * 2)
    #expect(data.pixelBytes == 0)
  }

  @Test("images of a file come in any order, alone or together", arguments: ["grey.npz", "colour.npz"])
  func order(source: String) throws {
    let split = try open(packed(source)).train
    let indices = [3, 4, 5, 0, 0, 1, 5]
    let alone = try indices.map { try split.images(at: [$0]) }
    #expect(try split.images(at: indices).values == alone.flatMap(\.values))
    let view = split.selecting([5, 4, 3, 2])
    #expect(try view.images(at: [2, 3, 0]) == split.images(at: [3, 2, 5]))
    #expect(view.memoryBytes == 4 * (2 + 8))
  }

  // MARK: Packing piece by piece

  /// A gzip file (RFC 1952) with one stored block.
  private func gzip(_ bytes: [UInt8]) -> [UInt8] {
    let block = [1] + little(bytes.count, 2) + little(~bytes.count, 2) + bytes
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF] + block + little(StoredArchive.crc32(bytes), 4) + little(bytes.count, 4)
  }

  @Test("what was read is on the disk before the next is read, a piece at a time")
  func pieces() throws {
    let zeros = [UInt8](try Data(contentsOf: fixture("zeros.gz")))
    // 16 images of a MiB are promised, and 12 are there.
    let images = gzip([0, 0, 8, 3] + big(16, 4) + big(1024, 4) + big(1024, 4)) + [[UInt8]](repeating: zeros, count: 12).joined()
    let labels = [0, 0, 8, 1] + big(16, 4) + (0..<16).map { UInt8($0 % 2) }
    let parts = ["train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels]
    let files = try parts.map { DatasetFile(part: $0.key, url: try folder.write($0.value, to: $0.key)) }
    let file = try NewFile(folder.url.appendingPathComponent("packed"))
    var (before, longest) = (0, 0)
    let error = #expect(throws: DatasetError.self) {
      try DatasetSource.pack(format: .idx, files: files, into: file) {
        longest = max(longest, file.bytes - before)
        before = file.bytes
      }
    }
    #expect(error?.detail.contains("only 12582912 are there") == true, "\(String(describing: error))")
    #expect(file.bytes >= 12 << 20)
    #expect(longest > 0 && longest <= 1 << 20)
  }

  @Test("what the check throws ends the packing", arguments: [1, 4, 5])
  func checked(calls: Int) throws {
    struct Stop: Error {}
    var left = calls
    #expect(throws: Stop.self) {
      try pack("grey.npz") {
        left -= 1
        if left == 0 { throw Stop() }
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  // MARK: Damage

  @Test("a file cut off anywhere is refused")
  func cut() throws {
    let bytes = try packed("grey.npz")
    for count in bytes.indices { #expect(throws: DatasetError.self, "cut at \(count)") { try open(bytes.prefix(count)) } }
  }

  @Test("a changed byte of the footer is refused, or gives a data set that can be read")
  func footer() throws {
    let bytes = try packed("grey.npz")
    var refused = 0
    for place in 336..<bytes.count {
      for bit in [1, 0x10, 0x80] as [UInt8] {
        var changed = bytes
        changed[place] ^= bit
        do {
          let data = try open(changed)
          _ = try data.train.images(at: 0..<data.train.count)
          _ = try data.test.images(at: 0..<data.test.count)
        } catch is DatasetError {
          refused += 1
        }
      }
    }
    #expect(refused > 3 * (bytes.count - 336) / 2)
  }

  @Test(
    "a footer that contradicts the file is refused",
    arguments: [
      ("\"offset\":128", "\"offset\":127"), ("\"offset\":128", "\"offset\":-64"), ("\"offset\":128", "\"offset\":9223372036854775744"),
      ("\"count\":120", "\"count\":9223372036854775807"), ("\"count\":120", "\"count\":-120"),
      ("\"count\":6,\"per_class\"", "\"count\":7,\"per_class\""),
      ("\"shape\":[4,5,1]", "\"shape\":[4,5]"), ("\"shape\":[4,5,1]", "\"shape\":[4,-5,-1]"),
      ("\"shape\":[4,5,1]", "\"shape\":[4611686018427387904,4,1]"), ("\"classes\":3", "\"classes\":2"),
      ("\"per_class\":[2,2,2]", "\"per_class\":[2,2]"),
      ("\"per_class\":[2,2,2]", "\"per_class\":[1,3,2]"), ("\"kind\":\"uint16\"", "\"kind\":\"uint8\""),
      ("\"kind\":\"uint8\"", "\"kind\":\"float32\""),
      ("\"train\"", "\"other\""),
    ])
  func contradiction(old: String, new: String) throws {
    let bytes = try packed("grey.npz")
    let text = try #require(String(bytes: bytes[336..<bytes.count - 16], encoding: .utf8))
    let range = try #require(text.range(of: old))
    let changed = Array(text.replacingCharacters(in: range, with: new).utf8)
    let error = #expect(throws: DatasetError.self) { try open(bytes[..<336] + changed + little(changed.count, 4) + bytes.suffix(12)) }
    #expect(error?.detail.hasPrefix("the packed data set is damaged: it") == true, "\(String(describing: error))")
  }

  @Test("a changed label is refused, and so is another version")
  func changed() throws {
    let bytes = try packed("grey.npz")
    var label = bytes
    label[257] = 0xFF
    let error = #expect(throws: DatasetError.self) { try open(label) }
    #expect(error?.detail == "the packed data set is damaged: its labels are not those that its footer counts")
    var version = bytes
    version[bytes.count - 12] = 2
    let refusal = #expect(throws: DatasetError.self) { try open(version) }
    #expect(refusal?.detail.contains("of version 2 of the packed format; version 1 is read") == true)
  }

  @Test("a file that is cut while it is open ends a batch with an error, not the process")
  func cutWhileOpen() throws {
    let data = try open(packed("grey.npz"))
    let url = folder.url.appendingPathComponent("open")
    try #require(truncate(url.path, 60) == 0)
    #expect(try data.train.images(at: 0..<3).batch == 3)
    let error = #expect(throws: StorageError.self) { try data.train.images(at: [0, 3]) }
    #expect(error?.description.hasPrefix("open was cut: of the") == true, "\(String(describing: error))")
  }
}
