import Datasets
import Files
import Foundation
import TensorEngine
import Testing

@Suite struct StoredImagesTests {
  private static let pixels = (0..<60 * 16).map { UInt8(truncatingIfNeeded: $0 / 16 % 3 * 80 + $0 * 37 % 50) }
  private static let labels = (0..<60).map { $0 % 3 }

  private static func inMemory() -> Dataset {
    let split = Split(imageShape: [4, 4, 1], pixels: Pixels(bytes: pixels), labels: labels)
    return Dataset(
      name: "stripes", imageShape: [4, 4, 1], classNames: ["0", "1", "2"], train: split, test: split, sha256: "stripes", sourceBytes: 0)
  }

  /// The same in a file.
  private static func stored(in folder: URL) throws -> (dataset: Dataset, url: URL) {
    let images = Data([0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 4, 0, 0, 0, 4] + pixels)
    let classes = Data([0, 0, 8, 1, 0, 0, 0, 60] + labels.map { UInt8($0) })
    let files = try ["train_images": images, "train_labels": classes, "test_images": images, "test_labels": classes].map { part, data in
      let url = folder.appendingPathComponent(part)
      try data.write(to: url)
      return DatasetFile(part: part, url: url)
    }
    let file = try NewFile(folder.appendingPathComponent("packed"))
    _ = try DatasetSource.pack(format: .idx, files: files, into: file)
    file.keep()
    return (try PackedDataset.open(OpenFile(file.url), name: "stripes"), file.url)
  }

  @Test("images in a file train to the same bits as the same images in memory")
  func sameBits() throws {
    let (memory, disk) = (try TemporaryRun(), try TemporaryRun())
    memory.dataset = Self.inMemory()
    disk.dataset = try Self.stored(in: disk.directory).dataset
    let (one, other) = (try memory.run(), try disk.run())
    #expect(one.selected.checkpoint.sha256 == other.selected.checkpoint.sha256)
    #expect(one.base.checkpoint.sha256 == other.base.checkpoint.sha256)
  }

  @Test("a file that is cut during a run ends it with an error")
  func cut() throws {
    let run = try TemporaryRun()
    let (dataset, url) = try Self.stored(in: run.directory)
    run.dataset = dataset
    try #require(truncate(url.path, 500) == 0)
    let error = #expect(throws: StorageError.self) { try run.run() }
    #expect(error?.description.hasPrefix("packed was cut: of the") == true)
  }
}
