import Files
import Datasets
import Foundation
import TensorEngine
import Testing

@Suite struct NPZReaderTests {
  private func load(_ url: URL, limits: DatasetLimits = DatasetLimits()) throws -> Dataset {
    try DatasetSource.load(format: .npz, files: [DatasetFile(part: "body", url: url)], name: "test", limits: limits)
  }

  // MARK: What NumPy writes

  @Test("grey images of bytes are [height, width, 1], divided by 255")
  func grey() throws {
    let data = try load(fixture("grey.npz"))
    #expect(data.imageShape == [4, 5, 1])
    #expect(data.classNames == ["0", "1", "2"])
    #expect(data.train.labels == [0, 1, 2, 2, 1, 0])
    #expect(data.test.labels == [2, 0, 1, 1])
    let last: [Float] = [31, 34, 63, 65, 146, 197, 142, 253, 81, 133, 240, 113, 30, 247, 103, 122, 31, 19, 42, 129]
    #expect(try data.train.images(at: [5]) == Tensor([1, 4, 5, 1], values: last.map { $0 / 255 }))
    let lastTest: [Float] = [63, 101, 207, 156, 27, 220, 93, 29, 143, 200, 63, 11, 11, 180, 219, 113, 190, 87, 34, 9]
    #expect(try data.test.images(at: [3]).values == lastTest.map { $0 / 255 })
    #expect(data.sha256 == SHA256Digest.hex(of: try Data(contentsOf: fixture("grey.npz"))))
    #expect(data.sourceBytes == 1282)
  }

  @Test("colour images of float32 in a compressed archive are [height, width, channels], and further arrays are passed over")
  func colour() throws {
    let data = try load(fixture("colour.npz"))
    #expect(data.imageShape == [3, 2, 3])
    #expect(data.train.labels == [0, 1, 2, 2, 1, 0])
    #expect(data.test.labels == [2, 0, 1, 1])
    let image: [Float] = [124, 147, 17, 248, 94, 4, 41, 177, 159, 126, 192, 225, 86, 246, 90, 51, 34, 231]
    #expect(try data.train.images(at: [4]) == Tensor([1, 3, 2, 3], values: image.map { $0 / 255 }))
  }

  @Test("rows of float64 are [features], their labels may be [n, 1]")
  func rows() throws {
    let data = try load(fixture("rows.npz"))
    #expect(data.imageShape == [7])
    #expect(data.train.labels == [0, 1, 2, 2, 1, 0])
    let row: [Float] = [
      0.8728092312812805, 0.3442106544971466, 0.5902909636497498, 0.6836843490600586, 0.3554137647151947, 0.5190984606742859,
      0.7652474045753479,
    ]
    #expect(try data.test.images(at: [2]) == Tensor([1, 7], values: row))
  }

  @Test(
    "an archive of NumPy that cannot be a data set is refused with the array, and what would be right",
    arguments: [
      ("objects.npz", "y_train", "Python objects"),
      ("unscaled.npz", "x_train", "floats must be in [0, 1] (for values from 0 to 255 add scale=255)"),
      ("complex.npz", "x_train", "of the type <c8; they must be numbers of at most 64 bits: pixels"),
      ("nan.npz", "x_train", "image 3 holds the value nan"),
      ("records.npz", "y_train", "structured"),
      ("missing.npz", "body", "no array y_test"),
    ])
  func refused(file: String, part: String, detail: String) throws {
    let url = try fixture(file)
    let error = #expect(throws: DatasetError.self) { try load(url) }
    #expect(error?.part == part)
    #expect(error?.detail.contains(detail) == true, "\(String(describing: error))")
  }

  /// Every file of `variants`, which NumPy wrote of the data of grey.npz in another way.
  static let variants =
    ((try? FileManager.default.contentsOfDirectory(at: fixture("variants"), includingPropertiesForKeys: nil)) ?? [])
    .map { $0.deletingPathExtension().lastPathComponent }.sorted()

  @Test("the same images and labels are read however NumPy saved them", arguments: variants)
  func variant(name: String) throws {
    let (file, grey) = (DatasetFile(part: "body", url: try fixture("variants/\(name).npz")), try load(fixture("grey.npz")))
    let options = DatasetOptions(scale: name.hasPrefix("scaled") ? 255 : nil)
    let data = try DatasetSource.load(format: .npz, files: [file], name: "test", options: options)
    // One of them has a validation part, which stands after the images that are learnt from.
    let train = data.train.selecting(data.trainingParts(fraction: 0, seed: 0).train)
    #expect(train.labels == grey.train.labels && data.test.labels == grey.test.labels)
    #expect(data.classNames == (name.hasPrefix("names") ? ["cat", "dog", "éléphant"] : ["0", "1", "2"]))
    let tolerance: Float = name == "float16" ? 1e-3 : 1e-6
    for (split, other) in [(train, grey.train), (data.test, grey.test)] {
      let (found, wanted) = (try split.images(at: Array(0..<split.count)), try other.images(at: Array(0..<other.count)))
      #expect(found.shape == wanted.shape && zip(found.values, wanted.values).allSatisfy { abs($0 - $1) <= tolerance })
    }
  }

  @Test("there are the variants that NumPy wrote") func variantsAreThere() { #expect(Self.variants.count >= 20) }

  /// The notices of a data set.
  private func notices(_ name: String, _ options: DatasetOptions = DatasetOptions()) throws -> [DatasetNotice] {
    let folder = try ScratchFolder()
    let packed = try NewFile(folder.url.appendingPathComponent("packed"), title: "packed")
    return try DatasetSource.pack(
      format: .npz, files: [DatasetFile(part: "body", url: fixture(name))], options: options, into: packed
    ).notices
  }

  @Test("images that come channel by channel are transposed, and that is said; a layout that is named decides")
  func channelsFirst() throws {
    func load(_ name: String, _ layout: DatasetOptions.Layout? = nil) throws -> Dataset {
      try DatasetSource.load(
        format: .npz, files: [DatasetFile(part: "body", url: fixture(name))], name: "test", options: DatasetOptions(layout: layout))
    }
    let (first, last) = (try load("channels-first.npz"), try load("channels-last.npz"))
    #expect(first.imageShape == [5, 6, 3] && last.imageShape == [5, 6, 3])
    #expect(try first.train.images(at: Array(0..<6)) == last.train.images(at: Array(0..<6)))
    #expect(try load("channels-first.npz", .nchw).train.images(at: [2]) == last.train.images(at: [2]))
    #expect(try load("channels-first.npz", .nhwc).imageShape == [3, 5, 6])
    #expect(try load("channels-last.npz", .nchw).imageShape == [6, 3, 5])
    let told = try notices("channels-first.npz")
    #expect(told.map(\.code) == ["channels_first", "channels_first"])
    #expect(told.first?.detail.contains("x_train is 6 × 3 × 5 × 6") == true && told.first?.detail.contains("to 6 × 5 × 6 × 3") == true)
    #expect(try notices("channels-last.npz").isEmpty && notices("channels-first.npz", DatasetOptions(layout: .nchw)).isEmpty)
  }

  @Test("what looks like a mistake is said: all but black images, rounding, classes without images")
  func doubtful() throws {
    #expect(try notices("grey.npz").isEmpty)
    #expect(try notices("dark.npz").map(\.code) == ["dark_images", "dark_images"])
    #expect(try notices("overshoot.npz").first?.detail.hasPrefix("2 pixels of x_train lay beyond [0, 1]") == true)
    #expect(try notices("gap.npz").first?.detail.contains("is of the class 1:") == true)
  }

  @Test("a validation part of its own is held out as it is, whatever part of the training images a spec asks for")
  func validation() throws {
    let dataset = try load(fixture("variants/medmnist.npz"))
    let grey = try load(fixture("grey.npz"))
    let held = grey.test.count
    #expect(dataset.givenValidation == held && dataset.train.count == grey.train.count + held)
    #expect(dataset.summary.train == grey.summary.train && dataset.summary.validation == grey.summary.test)
    for fraction in [0, 0.5] {
      let parts = dataset.trainingParts(fraction: fraction, seed: 1)
      #expect(parts.train == Array(0..<grey.train.count) && parts.validation == Array(grey.train.count..<dataset.train.count))
      #expect(try dataset.train.images(at: parts.validation) == grey.test.images(at: 0..<held))
    }
    // Images of both parts in one batch, in any order.
    let (last, first) = (dataset.train.count - 1, 0)
    let mixed = try dataset.train.images(at: [last, first])
    #expect(try mixed.values == grey.test.images(at: [held - 1]).values + grey.train.images(at: [first]).values)
    #expect(dataset.train.selecting([last, first]).labels == [grey.test.labels[held - 1], grey.train.labels[first]])
    #expect(try notices("variants/medmnist.npz").isEmpty)
  }

  @Test("half a validation part, and one that does not fit, are told")
  func wrongValidation() throws {
    for (arrays, detail) in [
      (["x_val": npy("|u1", "(1, 1)", [3])], "the archive has x_val without y_val"),
      (["y_val": npy("|u1", "(1,)", [0])], "the archive has y_val without x_val"),
      (["x_val": npy("|u1", "(1, 2)", [3, 4]), "y_val": npy("|u1", "(1,)", [0])], "the images are [2], but those of x_train are [1]"),
      (["x_val": npy("|u1", "(1, 1)", [3]), "y_val": npy("|u1", "(1,)", [7])], "label 0 is 7"),
    ] as [([String: [UInt8]], String)] {
      var archive = StoredArchive()
      archive.add("x_train.npy", npy("|u1", "(2, 1)", [1, 2]))
      archive.add("y_train.npy", npy("|u1", "(2,)", [0, 1]))
      archive.add("x_test.npy", npy("|u1", "(1, 1)", [3]))
      archive.add("y_test.npy", npy("|u1", "(1,)", [1]))
      for (name, bytes) in arrays { archive.add(name + ".npy", bytes) }
      let error = #expect(throws: DatasetError.self) { try load(archive) }
      #expect(error?.detail.contains(detail) == true, "\(String(describing: error))")
    }
  }

  @Test("rows that are not one-hot and names that training never gives are told by their place")
  func wrongNames() throws {
    for (descriptor, shape, body, detail) in [
      ("|u1", "(3, 2)", [1, 0, 0, 1, 1, 1], "row 2 of the labels is not one-hot"),
      ("|u1", "(3, 2)", [1, 0, 0, 2, 0, 1], "row 1 of the labels is not one-hot"),
      ("|S1", "(3,)", Array("abc".utf8), "these labels are numbers and those of y_train names"),
    ] as [(String, String, [UInt8], String)] {
      let error = #expect(throws: DatasetError.self) {
        try load(archive(replacing: "y_train", with: npy(descriptor, shape, body)))
      }
      #expect(error?.detail.contains(detail) == true, "\(String(describing: error))")
    }
    var names = StoredArchive()
    names.add("x_train.npy", npy("|u1", "(2, 1)", [1, 2]))
    names.add("y_train.npy", npy("|S1", "(2,)", Array("ab".utf8)))
    names.add("x_test.npy", npy("|u1", "(1, 1)", [3]))
    names.add("y_test.npy", npy("|S1", "(1,)", Array("c".utf8)))
    let error = #expect(throws: DatasetError.self) { try load(names) }
    #expect(error?.detail.hasPrefix("label 0 is \"c\", which y_train never names") == true, "\(String(describing: error))")
  }

  @Test("a value that is no pixel is told by its byte: image 3 of 18 values, 15 values into it, after a header of 128 bytes")
  func place() throws {
    let url = try fixture("nan.npz")
    let error = #expect(throws: DatasetError.self) { try load(url) }
    #expect(error?.offset == 128 + (3 * 18 + 15) * 4)
  }

  // MARK: What somebody else writes

  /// An array in NumPy's format; each piece can be replaced by something wrong.
  private func npy(_ descriptor: String, _ shape: String, _ body: [UInt8], version: UInt8 = 1, header: String? = nil) -> [UInt8] {
    let header = Array((header ?? "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }\n").utf8)
    return [0x93] + "NUMPY".utf8 + [version, 0] + little(header.count, version == 1 ? 2 : 4) + header + body
  }

  private func archive(replacing name: String? = nil, with bytes: [UInt8] = []) -> StoredArchive {
    let whole: [(String, [UInt8])] = [
      ("x_train", npy("|u1", "(3, 2)", [1, 2, 3, 4, 5, 6])), ("y_train", npy("|u1", "(3,)", [0, 1, 2])),
      ("x_test", npy("|u1", "(2, 2)", [7, 8, 9, 10])), ("y_test", npy("|u1", "(2,)", [2, 1])),
    ]
    return whole.reduce(into: StoredArchive()) { $0.add($1.0 + ".npy", $1.0 == name ? bytes : $1.1) }
  }

  private func load(_ archive: StoredArchive, limits: DatasetLimits = DatasetLimits()) throws -> Dataset {
    let folder = try ScratchFolder()
    return try load(folder.write(archive.bytes, to: "upload"), limits: limits)
  }

  @Test("headers of all three versions are read, and spelt as any Python might", arguments: [1, 2, 3] as [UInt8])
  func versions(version: UInt8) throws {
    let header = "{\"shape\" : (3L, 2L) ,'fortran_order':False,\n 'descr':'|u1'}    \n"
    let data = try load(archive(replacing: "x_train", with: npy("", "", [11, 12, 13, 14, 15, 16], version: version, header: header)))
    #expect(try data.train.images(at: [1]).values == [13, 14].map { Float($0) / 255 })
  }

  @Test(
    "labels may be integers of any width",
    arguments: [("|i1", 1), ("<i2", 2), ("<i4", 4), ("<i8", 8), ("|u1", 1), ("<u2", 2), ("<u4", 4), ("<u8", 8)])
  func labels(descriptor: String, width: Int) throws {
    let body = [2, 0, 1].flatMap { little($0, width) }
    #expect(try load(archive(replacing: "y_train", with: npy(descriptor, "(3,)", body))).train.labels == [2, 0, 1])
  }

  @Test("every wrong label is told by its position and value")
  func wrongLabels() throws {
    for (descriptor, body, detail) in [
      ("|i1", [0, 0xFF, 2], "label 1 is -1; a label must be in 0…999"),
      ("<u8", little(0, 8) + little(1, 8) + [UInt8](repeating: 0xFF, count: 8), "label 2 is 18446744073709551615"),
      ("<i4", [0, 1, 1000].flatMap { little($0, 4) }, "label 2 is 1000"),
      ("|u1", [0, 0, 0], "every label is 0"),
      ("|u1", [0, 1, 1], "the labels of y_train are in 0…1"),
      ("<f4", [0, 1, 1.5].flatMap { little(Float($0).bitPattern, 4) }, "label 2 is 1.5; a label must be in 0…999"),
      ("<f4", [0, 1, Float.nan].flatMap { little($0.bitPattern, 4) }, "label 2 is nan"),
      ("<U1001", [UInt8](repeating: 0, count: 12_012), "they must be numbers of at most 64 bits, or texts of at most 1000 characters"),
      ("|S2", Array("a\0b\0\0\0".utf8), "label 2 is an empty text"),
    ] as [(String, [UInt8], String)] {
      let broken = archive(replacing: "y_train", with: npy(descriptor, "(3,)", body))
      let error = #expect(throws: DatasetError.self) { try load(broken) }
      #expect(error?.detail.contains(detail) == true, "\(String(describing: error))")
    }
  }

  @Test("every fault of an array is told with the array")
  func faults() throws {
    let good: [UInt8] = [1, 2, 3, 4, 5, 6]
    let faults: [(bytes: [UInt8], detail: String)] = [
      ([], "ends here, within the magic string"),
      (Array("no array at all".utf8), "magic string"),
      (npy("|u1", "(3, 2)", good, version: 4), "version 4.0"),
      (npy("|u1", "(3, 2)", [1, 2, 3, 4, 5]), "the header promises 6 bytes of pixels, and only 5 are there"),
      (npy("|u1", "(3, 2)", good + [7]), "goes on after the 3 × 2 elements"),
      (npy("|u1", "(4, 2)", good + [7, 8]), "3 labels for the 4 images"),
      (npy("|u1", "(0, 2)", []), "every dimension must be at least 1"),
      (npy("|u1", "(3, -2)", good), "every dimension must be at least 1"),
      (npy("|u1", "(6,)", good), "has 1 dimensions"),
      (npy("|u1", "(1, 1, 1, 3, 2)", good), "has 5 dimensions"),
      (npy("|u1", "()", [1]), "has 0 dimensions"),
      (npy("|u1", "(4611686018427387904, 8)", good), "overflows"),
      (npy("|u1", "(99999999999999999999, 8)", good), "no Python dictionary"),
      (npy("|u1", "(3000000000, 2000)", good), "over the limit of 8589934592 bytes"),
      (npy("|u1", "3", good), "tuple of integers"),
      (npy("|u1", "('3', 2)", good), "tuple of integers"),
      (npy("<U1", "(3, 2)", [UInt8](repeating: 65, count: 24)), "of the type <U1; they must be numbers"),
      (npy("<i2", "(3, 2)", [1, 0, 2, 0, 3, 0, 4, 0, 0, 1, 6, 0]), "image 2 holds the value 256; whole numbers must be in 0…255"),
      (npy("|i1", "(3, 2)", [1, 2, 3, 0xFF, 5, 6]), "image 1 holds the value -1"),
      (npy("", "", good, header: "{'descr': '|u1', 'shape': (3, 2)}"), "the fields descr, shape"),
      (npy("", "", good, header: "{'descr': '|u1', 'fortran_order': 0, 'shape': (3, 2)}"), "True or False"),
      (npy("", "", good, header: "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2)"), "no Python dictionary"),
      (npy("", "", good, header: "{'descr': '|u1' 'fortran_order': False, 'shape': (3, 2)}"), "no Python dictionary"),
      (npy("", "", good, header: "{'descr': __import__('os')}"), "no Python dictionary"),
      (npy("", "", good, header: String(repeating: "(", count: 60_000)), "no Python dictionary"),
      ([0x93] + "NUMPY".utf8 + [2, 0] + little(0xFFFF_FFFF as UInt32, 4), "said to have 4294967295 bytes"),
      ([0x93] + "NUMPY".utf8 + [1, 0] + little(500, 2) + "{".utf8, "ends here, within the header"),
    ]
    for (bytes, detail) in faults {
      let error = #expect(throws: DatasetError.self, "\(detail)") { try load(archive(replacing: "x_train", with: bytes)) }
      #expect(error?.detail.contains(detail) == true, "\(String(describing: error)) instead of: \(detail)")
      #expect(error?.part == (detail.contains("labels for") ? "y_train" : "x_train"))
    }
  }

  @Test("floats beside [0, 1] are refused, the ends are not", arguments: [-0.001, 1.001, .infinity, -.infinity, .nan] as [Float])
  func range(value: Float) throws {
    let values: [Float] = [0, 1, 0.5, value, 0.5, 0.5]
    let body = values.flatMap { little($0.bitPattern, 4) }
    let error = #expect(throws: DatasetError.self) { try load(archive(replacing: "x_train", with: npy("<f4", "(3, 2)", body))) }
    #expect(error?.detail.contains("image 1 holds the value") == true, "\(String(describing: error))")
  }

  @Test("test images of another shape are refused")
  func shapes() throws {
    let error = #expect(throws: DatasetError.self) {
      try load(archive(replacing: "x_test", with: npy("|u1", "(2, 3)", [1, 2, 3, 4, 5, 6])))
    }
    #expect(error == DatasetError(part: "x_test", "the images are [3], but those of x_train are [2]; all must have one shape"))
  }

  @Test("a test label that training never names is told by its place, whichever comes first in the archive")
  func testFirst() throws {
    var archive = StoredArchive()
    archive.add("y_test.npy", npy("|u1", "(5,)", [0, 1, 3, 2, 4]))
    archive.add("x_test.npy", npy("|u1", "(5, 1)", [1, 2, 3, 4, 5]))
    archive.add("x_train.npy", npy("|u1", "(3, 1)", [1, 2, 3]))
    archive.add("y_train.npy", npy("|u1", "(3,)", [0, 1, 2]))
    let error = #expect(throws: DatasetError.self) { try load(archive) }
    #expect(error?.part == "y_test")
    #expect(error?.detail.contains("label 2 is 3, but the labels of y_train are in 0…2") == true, "\(String(describing: error))")
  }

  @Test("an array that is compressed as NumPy never does is refused before anything of it is decompressed")
  func method() throws {
    var archive = StoredArchive()
    // LZMA: its header may ask for a dictionary of 4 GiB.
    archive.add("x_train.npy", [9, 20, 5, 0, 0x5D, 0xFF, 0xFF, 0xFF, 0xFF, 0], method: 14)
    let error = #expect(throws: DatasetError.self) { try load(archive) }
    #expect(error?.part == "x_train")
    #expect(error?.detail.contains("the method lzma; numpy.savez") == true, "\(String(describing: error))")
  }

  @Test("an archive of entries without end is refused, for its directory stands in memory")
  func directory() throws {
    var many = StoredArchive()
    for number in 0..<25_000 { many.add("\(number)", []) }
    let error = #expect(throws: DatasetError.self) { try load(many) }
    #expect(error?.detail.contains("directory is longer than 1 MiB") == true, "\(String(describing: error))")
    var some = archive()
    for number in 0..<2_000 { some.add("\(number)", []) }
    #expect(try load(some).train.count == 3)
  }

  @Test("an array that comes twice is refused")
  func twice() throws {
    var archive = archive()
    archive.add("x_train.npy", npy("|u1", "(3, 2)", [1, 2, 3, 4, 5, 6]))
    let error = #expect(throws: DatasetError.self) { try load(archive) }
    #expect(error == DatasetError(part: "x_train", "the archive has this array twice"))
  }

  @Test("a wrong checksum is found, even though all sizes agree")
  func checksum() throws {
    var archive = StoredArchive()
    archive.add("x_train.npy", npy("|u1", "(3, 2)", [1, 2, 3, 4, 5, 6]), checksum: 1)
    let error = #expect(throws: DatasetError.self) { try load(archive) }
    #expect(error?.part == "x_train")
    #expect(error?.detail.contains("CRC") == true, "\(String(describing: error))")
  }

  @Test("the limit counts all arrays together, as they are after decompression")
  func limit() throws {
    // 6 + 3 + 4 + 2 bytes.
    #expect(try load(archive(), limits: DatasetLimits(uncompressedBytes: 15)).train.count == 3)
    let error = #expect(throws: DatasetError.self) { try load(archive(), limits: DatasetLimits(uncompressedBytes: 14)) }
    #expect(error?.part == "y_test")
    #expect(error?.detail.contains("over the limit of 14 bytes") == true)
  }

  @Test("an archive cut off anywhere is refused, and so is anything that is none")
  func truncated() throws {
    let folder = try ScratchFolder()
    let bytes = archive().bytes
    for count in 0..<bytes.count {
      let url = try folder.write(Array(bytes.prefix(count)), to: "cut")
      #expect(throws: DatasetError.self, "cut at \(count)") { try load(url) }
    }
  }

  @Test("compressed data with a damaged byte is refused, or reads as data that fits the checks; it never brings the process down")
  func damaged() throws {
    let folder = try ScratchFolder()
    let whole = [UInt8](try Data(contentsOf: fixture("colour.npz")))
    var refused = 0
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= 0x55
      let url = try folder.write(bytes, to: "damaged")
      do { _ = try load(url) } catch is DatasetError { refused += 1 }
    }
    // Times, attributes and the array that is passed over may hold anything; the rest may not.
    #expect(refused > whole.count / 2)
  }

  @Test("an error never holds a path")
  func noPath() throws {
    let folder = try ScratchFolder()
    let url = try folder.write([1, 2, 3], to: "upload")
    for url in [url, folder.url, folder.url.appendingPathComponent("absent")] {
      let error = #expect(throws: DatasetError.self) { try load(url) }
      #expect(error?.description.contains("/") == false, "\(String(describing: error))")
    }
  }
}
