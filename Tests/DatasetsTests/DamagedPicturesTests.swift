import Datasets
import Files
import Foundation
import TensorEngine
import Testing

/// Pictures and archives with random bytes changed: each is read or refused, and nothing else happens.
@Suite struct DamagedPicturesTests {
  private static let names = [
    "colour.jpg", "progressive.jpg", "cmyk-adobe.jpg", "orientation-6.jpg", "palette-transparent.png", "interlaced.png", "sixteen-bit.png",
    "orientation.png", "lossy.webp", "lossless.webp", "orientation.webp",
  ]

  /// Changes some bytes, cuts some off, or doubles some.
  private func damaged(_ bytes: [UInt8], _ random: inout RandomStream) -> [UInt8] {
    func below(_ count: Int) -> Int { Int(truncatingIfNeeded: random.next() >> 1) % max(count, 1) }
    var bytes = bytes
    for _ in 0...below(4) where !bytes.isEmpty {
      switch below(6) {
      case 0: bytes.removeLast(below(bytes.count))
      case 1: bytes.insert(contentsOf: bytes.prefix(below(40)), at: below(bytes.count))
      default: bytes[below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
    }
    return bytes
  }

  private func read(_ archive: [UInt8], _ folder: ScratchFolder) throws {
    let file = DatasetFile(part: "body", url: try folder.write(archive, to: "upload"))
    let limits = DatasetLimits(uncompressedBytes: 1 << 24)
    do {
      _ = try DatasetSource.load(
        format: .images, files: [file], name: "x", options: DatasetOptions(resize: .init(height: 3, width: 3)), limits: limits,
        in: folder.url)
    } catch is DatasetError {
    }
  }

  @Test("a damaged picture is read or refused", arguments: names)
  func pictures(name: String) throws {
    let (folder, picture) = (try ScratchFolder(), try PictureArchives.picture(name))
    var random = RandomStream(seed: 5, purpose: .sample, example: Self.names.firstIndex(of: name) ?? 0)
    for _ in 0..<60 { try read(PictureArchives.tar(PictureArchives.twoClasses(damaged(picture, &random))), folder) }
  }

  @Test("a damaged archive is read or refused", arguments: [0, 1, 2])
  func archives(kind: Int) throws {
    let folder = try ScratchFolder()
    let entries = PictureArchives.twoClasses(try PictureArchives.picture("grey.png"))
    let tar = PictureArchives.tar(entries)
    let archive = kind == 0 ? PictureArchives.zip(entries) : kind == 1 ? tar : PictureArchives.gzip(tar)
    var random = RandomStream(seed: 6, purpose: .sample, example: kind)
    for _ in 0..<150 { try read(damaged(archive, &random), folder) }
  }
}
