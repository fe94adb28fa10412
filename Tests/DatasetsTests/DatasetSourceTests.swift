import Datasets
import Files
import Foundation
import Testing

@Suite struct DatasetSourceTests {
  @Test("every name in the list of built-in data sets is one, and no other name")
  func builtIn() {
    for name in DatasetSource.builtInNames { #expect(DatasetSource.builtIn(name)?.name == name) }
    #expect(DatasetSource.builtIn("mnist") == nil)
  }

  @Test("a part that is missing, unknown or there twice is refused")
  func parts() throws {
    let url = try fixture("grey.npz")
    func refusal(_ parts: [String]) -> DatasetError? {
      #expect(throws: DatasetError.self) {
        try DatasetSource.load(format: .idx, files: parts.map { DatasetFile(part: $0, url: url) }, name: "test")
      }
    }
    let four = DatasetFormat.idx.parts
    #expect(
      refusal(Array(four.dropLast()))
        == DatasetError(
          part: "test_labels", "this part is missing; the format idx takes train_images, train_labels, test_images, test_labels"))
    #expect(refusal(four + ["extra"])?.part == "extra")
    #expect(refusal(four + ["test_images"]) == DatasetError(part: "test_images", "this part came 2 times; it must come once"))
  }

  @Test("a path may be an archive, or a folder with one archive")
  func archivePaths() throws {
    let folder = try ScratchFolder()
    let bytes = [UInt8](try Data(contentsOf: fixture("grey.npz")))
    let file = try folder.write(bytes, to: "mine.npz")
    let byFile = try DatasetSource.load(format: .npz, path: file)
    #expect(byFile.name == "mine")
    #expect(try DatasetSource.load(format: .npz, path: folder.url, name: "named").name == "named")

    _ = try folder.write(bytes, to: "second.npz")
    let error = #expect(throws: DatasetError.self) { try DatasetSource.load(format: .npz, path: folder.url) }
    #expect(error?.detail.contains("2 files that end in .npz") == true)
  }

  @Test("a path that has not what the format takes is refused with the names that are looked for")
  func wrongPaths() throws {
    let folder = try ScratchFolder()
    let absent = #expect(throws: DatasetError.self) {
      try DatasetSource.load(format: .idx, path: folder.url.appendingPathComponent("absent"))
    }
    #expect(absent == DatasetError(part: "absent", "there is no such file or folder"))
    let empty = #expect(throws: DatasetError.self) { try DatasetSource.load(format: .idx, path: folder.url) }
    #expect(empty?.detail.contains("train-images-idx3-ubyte.gz") == true)
    let file = try fixture("grey.npz")
    let aFile = #expect(throws: DatasetError.self) { try DatasetSource.load(format: .idx, path: file) }
    #expect(aFile?.detail.contains("takes a folder with 4 files") == true)
  }

  @Test("a part that the system cannot read is no fault of the upload", arguments: [DatasetFormat.npz, .idx])
  func unreadable(format: DatasetFormat) throws {
    // A regular file that can be opened, and whose first byte cannot be read.
    let files = format.parts.map { DatasetFile(part: $0, url: URL(filePath: "/proc/self/mem")) }
    let error = #expect(throws: StorageError.self) { try DatasetSource.load(format: format, files: files, name: "test") }
    #expect(error?.code == EIO)
  }

  @Test("the temporary file of a data set has no name, and goes where it is told")
  func temporary() throws {
    let folder = try ScratchFolder()
    let data = try DatasetSource.load(format: .npz, path: fixture("grey.npz"), in: folder.url)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    #expect(try data.train.images(at: 0..<6).batch == 6)
    #expect(throws: DatasetError.self) { try DatasetSource.load(format: .npz, path: fixture("nan.npz"), in: folder.url) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    let absent = folder.url.appendingPathComponent("absent")
    #expect(throws: StorageError.self) { try DatasetSource.load(format: .npz, path: fixture("grey.npz"), in: absent) }
  }

  @Test("a pipe in the place of a file is refused at once")
  func pipe() throws {
    let folder = try ScratchFolder()
    let url = folder.url.appendingPathComponent("pipe.npz")
    try #require(mkfifo(url.path, 0o600) == 0)
    let error = #expect(throws: DatasetError.self) { try DatasetSource.load(format: .npz, path: url) }
    #expect(error?.detail == "this is not a regular file")
  }
}
