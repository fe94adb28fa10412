import Files
import Datasets
import Foundation
import TensorEngine
import Testing

@Suite struct IDXReaderTests {
  /// Three images of 2 × 2 to train on, two to test on.
  private static let whole: [String: [UInt8]] = [
    "train_images": idx([3, 2, 2], Array(1...12)), "train_labels": idx([3], [0, 1, 2]),
    "test_images": idx([2, 2, 2], Array(101...108)), "test_labels": idx([2], [2, 0]),
  ]

  private static func idx(_ dimensions: [Int], _ body: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(dimensions.count)] + dimensions.flatMap { big($0, 4) } + body
  }

  private func load(replacing part: String = "", with bytes: [UInt8] = [], limits: DatasetLimits = DatasetLimits()) throws -> Dataset {
    let folder = try ScratchFolder()
    let files = try Self.whole.map { name, content in
      DatasetFile(part: name, url: try folder.write(name == part ? bytes : content, to: name))
    }
    return try DatasetSource.load(format: .idx, files: files, name: "test", limits: limits)
  }

  @Test("images and labels are what the bytes say")
  func plain() throws {
    let data = try load()
    #expect(data.imageShape == [2, 2, 1])
    let expected: [Float] = [9, 10, 11, 12, 1, 2, 3, 4]
    #expect(try data.train.images(at: [2, 0]) == Tensor([2, 2, 2, 1], values: expected.map { $0 / 255 }))
    #expect(data.test.labels == [2, 0])
    #expect(data.classes == 3)
  }

  @Test("four dimensions are images with channels, two are rows")
  func ranks() throws {
    func shape(_ dimensions: [Int]) throws -> Shape {
      let folder = try ScratchFolder()
      let count = dimensions.reduce(3, *)
      let images = try folder.write(Self.idx([3] + dimensions, [UInt8](repeating: 5, count: count)), to: "images")
      let labels = try folder.write(Self.idx([3], [0, 1, 2]), to: "labels")
      let files = ["train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels]
      return try DatasetSource.load(format: .idx, files: files.map { DatasetFile(part: $0.key, url: $0.value) }, name: "test").imageShape
    }
    #expect(try shape([4, 2, 3]) == [4, 2, 3])
    #expect(try shape([7]) == [7])
  }

  @Test("a folder with the usual names, some compressed, is the data that NumPy wrote")
  func folder() throws {
    let data = try DatasetSource.load(format: .idx, path: fixture("idx"))
    let same = try DatasetSource.load(format: .npz, path: fixture("grey.npz"))
    #expect(data.name == "idx")
    #expect(data.imageShape == same.imageShape)
    #expect(try data.train.images(at: 0..<6) == same.train.images(at: 0..<6))
    #expect(try data.test.images(at: 0..<4) == same.test.images(at: 0..<4))
    #expect(data.train.labels == same.train.labels)
    #expect(data.test.labels == same.test.labels)
    #expect(data.sha256 == "0545a32f6784ac73a731e5ab8844af319c0b3bbd55de1dd736a699c710b729e2")
    #expect(data.sourceBytes == 114 + 12 + 159 + 14)
  }

  @Test("several gzip members in a row are one stream")
  func members() throws {
    let folder = try ScratchFolder()
    let labels = try folder.write(Self.idx([50], (0..<50).map { UInt8($0 % 5) }), to: "labels")
    let images = try fixture("members.gz")
    let files = ["train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels]
    let data = try DatasetSource.load(format: .idx, files: files.map { DatasetFile(part: $0.key, url: $0.value) }, name: "test")
    let bytes = try data.train.images(at: 0..<50).values.map { UInt8(($0 * 255).rounded()) }
    #expect(SHA256Digest.hex(of: Self.idx([50, 28, 28], bytes)) == "c1ef3bb27d49ff21a64537371d8dae9fe3ca212052c6819b7c382a4741106cd5")
  }

  @Test(
    "every fault of a part is told with the part, the place and what would be right",
    arguments: [
      ("train_images", [] as [UInt8], 0, "ends here, within the magic number"),
      ("train_images", [0, 0, 8, 3, 0, 0], 6, "ends here, within the dimensions"),
      ("train_images", idx([3], [1, 2, 3]), 0, "the magic number is 0x00000801; it must be 0x00000803"),
      ("train_labels", idx([3, 2, 2], Array(1...12)), 0, "the magic number is 0x00000803; it must be 0x00000801"),
      ("train_images", [0, 0, 0x0D, 3] + [UInt8](repeating: 0, count: 40), 0, "0x00000d03"),
      ("train_images", Array("<!DOCTYPE html>".utf8), 0, "0x3c21444f"),
      ("train_images", idx([3, 2, 2], Array(1...11)), 27, "the header promises 12 bytes of pixels, and only 11 are there"),
      ("test_images", idx([2, 2, 2], Array(1...9)), 24, "goes on after the 8 pixels that the header promises"),
      ("test_labels", idx([2], [0]), 9, "the header promises 2 bytes of labels, and only 1 are there"),
      ("train_images", idx([3, 0, 2], []), nil, "every dimension must be at least 1"),
      ("train_images", idx([0, 2, 2], []), nil, "every dimension must be at least 1"),
      ("train_images", idx([1 << 31, 1 << 31, 1 << 31], []), nil, "overflows"),
      ("train_images", idx([60_000, 1000, 1000], []), nil, "over the limit of 8589934592 bytes"),
      ("train_labels", idx([2], [0, 1]), nil, "there are 2 labels for the 3 images of train_images"),
      ("test_images", idx([2, 1, 4], Array(1...8)), nil, "the images are [1, 4, 1], but those of train_images are [2, 2, 1]"),
      ("test_labels", idx([2], [0, 3]), nil, "label 1 is 3, but the labels of train_labels are in 0…2"),
    ] as [(String, [UInt8], Int?, String)])
  func faults(part: String, bytes: [UInt8], offset: Int?, detail: String) throws {
    let error = #expect(throws: DatasetError.self) { try load(replacing: part, with: bytes) }
    #expect(error?.part == part)
    #expect(error?.offset == offset)
    #expect(error?.detail.contains(detail) == true, "\(String(describing: error))")
  }

  @Test("a label over the limit of classes is told by its place")
  func classes() throws {
    #expect(try load(limits: DatasetLimits(classes: 3)).classes == 3)
    let error = #expect(throws: DatasetError.self) { try load(limits: DatasetLimits(classes: 2)) }
    #expect(error == DatasetError(part: "train_labels", offset: 8 + 2, "label 2 is 2; a label must be in 0…1"))
  }

  @Test("a gzip file cut off anywhere, or with any byte changed that matters, is refused")
  func brokenGzip() throws {
    let whole = [UInt8](try Data(contentsOf: fixture("idx/train-images-idx3-ubyte.gz")))
    let labels = Self.idx([6], [0, 1, 2, 2, 1, 0])
    let folder = try ScratchFolder()
    let others = try [
      "train_labels": folder.write(labels, to: "labels"), "test_images": fixture("idx/t10k-images-idx3-ubyte.gz"),
      "test_labels": fixture("idx/t10k-labels-idx1-ubyte"),
    ]
    func load(_ bytes: [UInt8]) throws {
      let files = others.merging(["train_images": try folder.write(bytes, to: "images")]) { $1 }
      _ = try DatasetSource.load(format: .idx, files: files.map { DatasetFile(part: $0.key, url: $0.value) }, name: "test")
    }
    try load(whole)
    for count in whole.indices { #expect(throws: DatasetError.self, "cut at \(count)") { try load(Array(whole.prefix(count))) } }
    // Bytes 3 to 9 are flags, time and system, and byte 10 begins a stored block, of which five bits are padding: they say nothing of
    // the content.
    for place in whole.indices where !(3...10).contains(place) {
      var bytes = whole
      bytes[place] ^= 0x10
      #expect(throws: DatasetError.self, "byte \(place)") { try load(bytes) }
    }
    let error = #expect(throws: DatasetError.self) { try load(whole + Array("rest".utf8)) }
    #expect(error?.detail.contains("gzip data is damaged") == true, "\(String(describing: error))")
  }

  @Test("a gzip file that goes on and on is left where the header's promise ends")
  func bomb() throws {
    let member = [UInt8](try Data(contentsOf: fixture("members.gz")))
    let folder = try ScratchFolder()
    let images = try folder.write([[UInt8]](repeating: member, count: 100).flatMap { $0 }, to: "images")
    let labels = try folder.write(Self.idx([50], (0..<50).map { UInt8($0 % 5) }), to: "labels")
    let files = ["train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels]
    let error = #expect(throws: DatasetError.self) {
      try DatasetSource.load(format: .idx, files: files.map { DatasetFile(part: $0.key, url: $0.value) }, name: "test")
    }
    #expect(error?.offset == 16 + 50 * 28 * 28)
    #expect(error?.detail.contains("goes on after the 39200 pixels") == true, "\(String(describing: error))")
  }

  // MARK: MNIST itself

  static let mnist: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let given = ProcessInfo.processInfo.environment["TEMPER_MNIST"].map { URL(filePath: $0) }
    let folder = given ?? root.deletingLastPathComponent().appending(path: "shared/data/mnist")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()

  @Test(
    "MNIST reads as NumPy reads it",
    .enabled(if: mnist != nil, "no MNIST: TEMPER_MNIST names no folder, and ../shared/data/mnist is not there"))
  func readsMNIST() throws {
    let data = try DatasetSource.load(format: .idx, path: try #require(Self.mnist))
    #expect(data.imageShape == [28, 28, 1])
    #expect(data.train.countsPerClass(10) == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    #expect(data.test.countsPerClass(10) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    #expect(Array(data.test.labels.prefix(8)) == [7, 2, 1, 0, 4, 1, 4, 9])
    for (split, sum) in [(data.train, 1_567_298_545), (data.test, 264_923_200)] {
      var found = 0
      for batch in Batches(inOrder: 0..<split.count, size: 1000) {
        for value in try split.images(at: batch).values { found += Int((value * 255).rounded()) }
      }
      #expect(found == sum)
    }
    #expect(data.memoryBytes == 70_000 * 2)
  }
}
