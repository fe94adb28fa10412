import Datasets
import Files
import Foundation
import Testing

/// What Pillow makes of a picture.
private struct Expected: Decodable {
  let shape: [Int]
  let pixels: String
  /// By `height,width`.
  let resized: [String: String]

  static let all: [String: Expected] = {
    guard let data = try? Data(contentsOf: fixture("pictures/expected.json")) else { return [:] }
    return (try? JSONDecoder().decode([String: Expected].self, from: data)) ?? [:]
  }()

  static func bytes(_ text: String) -> [Int] {
    let digits = Array(text.utf8)
    return stride(from: 0, to: digits.count, by: 2).map { Int(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? -1 }
  }
}

@Suite struct PictureReaderTests {
  private func load(_ archive: [UInt8], _ options: DatasetOptions = DatasetOptions(), limits: DatasetLimits = DatasetLimits()) throws
    -> Dataset
  {
    let folder = try ScratchFolder()
    let file = DatasetFile(part: "body", url: try folder.write(archive, to: "upload"))
    return try DatasetSource.load(format: .images, files: [file], name: "test", options: options, limits: limits)
  }

  private func levels(_ split: Split, _ index: Int = 0) throws -> [Int] {
    try split.images(at: [index]).values.map { Int(($0 * 255).rounded()) }
  }

  /// The largest difference; nil where there are not as many.
  private func difference(_ found: [Int], _ wanted: [Int]) -> Int? {
    found.count == wanted.count ? zip(found, wanted).map { abs($0 - $1) }.max() : nil
  }

  @Test("a picture of each kind has Pillow's pixels, within a level", arguments: Expected.all.keys.sorted())
  func pixels(name: String) throws {
    let expected = try #require(Expected.all[name])
    let picture = try PictureArchives.picture(name)
    let data = try load(PictureArchives.zip(PictureArchives.twoClasses(picture, "jpg")))
    #expect(data.imageShape.dimensions == expected.shape)
    #expect(data.classNames == ["a", "b"] && data.train.labels == [0, 1] && data.test.labels == [0, 1])
    for split in [data.train, data.test] {
      let largest = try difference(levels(split, 1), Expected.bytes(expected.pixels))
      #expect(largest.map { $0 <= 1 } == true, "\(name): \(String(describing: largest))")
    }
  }

  @Test("the pictures of a validation part stand behind those of the training part, wherever they lie in the archive")
  func validation() throws {
    let names = ["colour.png", "palette.png", "lossy.webp"]
    let parts = ["val/b": names[2], "train/a": names[0], "test/a": names[1], "train/b": names[1], "val/a": names[1]]
    let entries = try parts.sorted { $0.value > $1.value }.map { ("\($0.key)/1", try PictureArchives.picture($0.value)) }
    let data = try load(PictureArchives.zip(entries))
    #expect(data.givenValidation == 2 && data.train.count == 4 && data.test.count == 1)
    let ordered = entries.filter { $0.0.hasPrefix("train") } + entries.filter { $0.0.hasPrefix("val") }
    for (place, entry) in ordered.enumerated() {
      let folder = String(entry.0.dropLast(2))
      let expected = try #require(parts[folder].flatMap { Expected.all[$0] })
      #expect(data.train.labels[place] == (folder.hasSuffix("a") ? 0 : 1))
      #expect(try difference(levels(data.train, place), Expected.bytes(expected.pixels)).map { $0 <= 1 } == true, "\(entry.0)")
    }
  }

  @Test(
    "a picture of each kind is brought to another size as Pillow brings it there, within a level", arguments: Expected.all.keys.sorted())
  func resized(name: String) throws {
    let expected = try #require(Expected.all[name])
    let archive = PictureArchives.zip(PictureArchives.twoClasses(try PictureArchives.picture(name)))
    for (text, pixels) in expected.resized {
      let size = try #require(DatasetOptions.Size(text))
      let data = try load(archive, DatasetOptions(resize: size))
      #expect(data.imageShape.dimensions == [size.height, size.width, expected.shape[2]])
      let largest = try difference(levels(data.train), Expected.bytes(pixels))
      // What a decoder rounds otherwise may be rounded otherwise again.
      let bound = ["cmyk-plain.jpg", "sixteen-bit.png"].contains(name) ? 2 : 1
      #expect(largest.map { $0 <= bound } == true, "\(name) to \(text): \(String(describing: largest))")
    }
  }

  @Test("there are fixtures of each kind") func fixturesAreThere() { #expect(Expected.all.count >= 27) }

  @Test("the same pictures in a zip, a tar, a tar.gz and a folder are one data set, in the order of the archive")
  func containers() throws {
    let names = ["colour.png", "palette.png", "lossless.webp", "colour.jpg", "interlaced.png", "transparent.webp"]
    let entries = try names.enumerated().map { place, name in
      ("top/\(["train/x", "train/y", "test/y"][place % 3])/\(place)-\(name)", try PictureArchives.picture(name))
    }
    let sorted = entries.sorted { $0.0 < $1.0 }
    let folder = try ScratchFolder()
    for (path, bytes) in sorted {
      let url = folder.url.appendingPathComponent(path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: url)
    }
    let sets = try [
      load(PictureArchives.zip(sorted)), load(PictureArchives.tar(sorted)), load(PictureArchives.gzip(PictureArchives.tar(sorted))),
      DatasetSource.load(format: .images, path: folder.url),
      DatasetSource.load(format: .images, path: folder.url.appendingPathComponent("top")),
    ]
    for data in sets {
      #expect(data.classNames == ["x", "y"] && data.train.labels == [0, 0, 1, 1] && data.test.labels == [1, 1])
      #expect(try data.train.images(at: Array(0..<4)) == sets[0].train.images(at: Array(0..<4)))
      #expect(try data.test.images(at: [0, 1]) == sets[0].test.images(at: [0, 1]))
    }
    #expect(sets[3].sha256.count == 64 && sets[3].sourceBytes == sorted.reduce(0) { $0 + $1.1.count })
  }

  @Test("an archive is read by its path, and a size is asked for")
  func byPath() throws {
    let folder = try ScratchFolder()
    let file = try folder.write(PictureArchives.zip(PictureArchives.twoClasses(try PictureArchives.picture("large.png"))), to: "mine.zip")
    let data = try DatasetSource.load(format: .images, path: file, options: DatasetOptions(resize: .init(height: 8, width: 6)))
    #expect(data.name == "mine" && data.imageShape == [8, 6, 3])
  }

  @Test("sizes are HEIGHT,WIDTH and nothing else")
  func sizes() {
    #expect(DatasetOptions.Size("32,48") == DatasetOptions.Size(height: 32, width: 48))
    for text in ["32", "32,", ",32", "0,1", "1,4097", "32x32", "+1,1", "1,1,1", "٣,3", ""] {
      #expect(DatasetOptions.Size(text) == nil, "\(text)")
    }
  }
}
