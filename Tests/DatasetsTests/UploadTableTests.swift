import Datasets
import Files
import Foundation
import Testing

/// One upload and the answer to it.
struct UploadRow: Sendable, CustomTestStringConvertible {
  enum Answer: Sendable {
    /// The shape, the classes, the images of both parts, and the codes of what is told.
    case taken([Int], [String], Int, Int, [String] = [])
    /// What the refusal says.
    case refused(String)
  }

  let title: String
  var format = DatasetFormat.images
  var options = DatasetOptions()
  var limits = DatasetLimits()
  /// The files, each with its part.
  let files: @Sendable () throws -> [(String, [UInt8])]
  let answer: Answer

  var testDescription: String { "\(format.rawValue): \(title)" }

  /// Pictures in a zip.
  static func zip(
    _ title: String, _ entries: @escaping @Sendable () throws -> [PictureArchives.Entry], options: DatasetOptions = DatasetOptions(),
    _ answer: Answer
  ) -> UploadRow {
    UploadRow(title: title, options: options, files: { [("body", PictureArchives.zip(try entries()))] }, answer: answer)
  }

  static func body(
    _ title: String, limits: DatasetLimits = DatasetLimits(), _ bytes: @escaping @Sendable () throws -> [UInt8], _ answer: Answer
  )
    -> UploadRow
  {
    UploadRow(title: title, limits: limits, files: { [("body", try bytes())] }, answer: answer)
  }

  static func form(
    _ format: DatasetFormat, _ title: String, options: DatasetOptions = DatasetOptions(),
    _ files: @escaping @Sendable () throws -> [(String, [UInt8])], _ answer: Answer
  ) -> UploadRow { UploadRow(title: title, format: format, options: options, files: files, answer: answer) }
}

/// The table of uploads of pictures, CIFAR and CSV; those of arrays are in NPZReaderTests and IDXReaderTests.
@Suite struct UploadTableTests {
  static let rows: [UploadRow] = layouts + contents + archives + cifar + csv + npy

  @Test("each upload has its answer", arguments: rows)
  func answer(row: UploadRow) throws {
    let folder = try ScratchFolder()
    let files = try row.files().enumerated().map { place, file in
      DatasetFile(part: file.0, url: try folder.write(file.1, to: "\(place)"))
    }
    let packed = try NewFile(folder.url.appendingPathComponent("packed"), title: "packed")
    func pack() throws -> DatasetSummary {
      try DatasetSource.pack(format: row.format, files: files, options: row.options, limits: row.limits, into: packed)
    }
    switch row.answer {
    case .taken(let shape, let classes, let train, let test, let codes):
      let summary = try pack()
      #expect(summary.shape == shape && summary.classNames == classes)
      #expect(summary.train.count == train && summary.test.count == test)
      #expect(summary.notices.map(\.code) == codes, "\(summary.notices)")
    case .refused(let detail):
      let error = #expect(throws: DatasetError.self) { try pack() }
      #expect(error.map { "\($0)".contains(detail) } == true, "\(String(describing: error))")
    }
    // What was spooled is gone.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).filter { $0.hasSuffix("spool") }.isEmpty)
  }

  @Test("the table has its rows") func count() { #expect(Self.rows.count >= 60, "\(Self.rows.count)") }

  // MARK: Folders

  private static let small: @Sendable () throws -> [UInt8] = { try PictureArchives.picture("grey.png") }

  /// Pictures of one size under these names.
  private static func named(_ names: [String]) -> @Sendable () throws -> [PictureArchives.Entry] {
    { try names.map { ($0, try small()) } }
  }

  private static let four = ["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"]
  private static let grey = [9, 14, 1]

  static let layouts: [UploadRow] = [
    .zip("train and test", named(four), .taken(grey, ["a", "b"], 2, 2)),
    .zip("within a folder", named(four.map { "mine/" + $0 }), .taken(grey, ["a", "b"], 2, 2)),
    .zip("within folders", named(four.map { "./my/own/" + $0 }), .taken(grey, ["a", "b"], 2, 2)),
    .zip(
      "with capitals", named(four.map { $0.replacing("train", with: "Training").replacing("test", with: "Testing") }),
      .taken(grey, ["a", "b"], 2, 2)),
    .zip(
      "a picture in a folder of its class's folder", named(four + ["train/a/more/2.png"]), .taken(grey, ["a", "b"], 3, 2)),
    .zip(
      "without a test part", named((0..<20).map { "\($0 % 2 == 0 ? "a" : "b")/\($0).png" }),
      .taken(grey, ["a", "b"], 16, 4, ["test_split"])),
    .zip(
      "without a test part, in train",
      named((0..<10).map { "x/train/\($0 % 2 == 0 ? "a" : "b")/\($0).png" }), .taken(grey, ["a", "b"], 8, 2, ["test_split"])),
    .zip(
      "a validation part alone", named(four.map { $0.replacing("test", with: "val") }),
      .taken(grey, ["a", "b"], 2, 2, ["validation_as_test"])),
    .zip("all three parts", named(four + ["val/a/1.png"]), .taken(grey, ["a", "b"], 2, 2)),
    .zip(
      "a class that only the validation part has", named(four + ["val/c/1.png"]),
      .refused("the validation part has pictures of the class c")),
    .zip(
      "files of systems",
      named(four + [".DS_Store", "__MACOSX/train/a/._1.png", "train/a/._1.png", "Thumbs.db", ".ipynb_checkpoints/train/c/1.png"]),
      .taken(grey, ["a", "b"], 2, 2, ["files_skipped"])),
    .zip(
      "other files", { try named(four)() + [("README.txt", Array("hello".utf8)), ("train/notes.csv", [])] },
      .taken(grey, ["a", "b"], 2, 2, ["files_left_out"])),
    .zip("a picture beside the folders", named(four + ["cover.png"]), .taken(grey, ["a", "b"], 2, 2, ["files_left_out"])),
    .zip(
      "classes by number", named(["train/10/1.png", "train/2/1.png", "train/0/1.png", "test/2/1.png"]),
      .taken(grey, (0...10).map(String.init), 3, 1, ["class_without_images"])),
    .zip("names beyond ASCII", named(four.map { $0.replacing("/a/", with: "/éléphant/") }), .taken(grey, ["b", "éléphant"], 2, 2)),
    .zip(
      "one class", named(["train/a/1.png", "test/a/1.png"]),
      .refused("all pictures are of the class a; a classifier needs at least two classes")),
    .zip("a class that is only tested", named(four + ["test/c/1.png"]), .refused("the test part has pictures of the class c")),
    .zip("no training part", named(["test/a/1.png", "test/b/1.png"]), .refused("there are no pictures in train/CLASS/…")),
    .zip("no classes", named(["train/1.png", "test/1.png"]), .refused("there are no pictures in train/CLASS/…")),
    .zip("nothing at all", { [("README.txt", [65])] }, .refused("there are no pictures in it")),
    .zip("too few to split", named(["a/1.png", "b/1.png"]), .refused("2 pictures are too few")),
    UploadRow(
      title: "too many classes", limits: DatasetLimits(classes: 2),
      files: { [("body", PictureArchives.zip(try named(four + ["train/c/1.png"])()))] },
      answer: .refused("there are 3 folders of classes; there can be at most 2")),
  ]

  // MARK: Pictures

  private static func pictures(_ pictures: [(String, String)]) -> @Sendable () throws -> [PictureArchives.Entry] {
    { try named(four)() + pictures.map { ($0.0, try PictureArchives.picture($0.1)) } }
  }

  static let contents: [UploadRow] = [
    .zip("grey and colour", pictures([("train/a/2.jpg", "colour.jpg")]), .taken([9, 14, 3], ["a", "b"], 3, 2)),
    .zip("transparency", pictures([("train/a/2.png", "grey-transparent.png")]), .taken(grey, ["a", "b"], 3, 2, ["transparency_left_out"])),
    .zip(
      "a wrong ending", pictures([("train/a/2.txt", "grey.jpg"), ("train/a/3.png", "lossy.webp")]), .taken([9, 14, 3], ["a", "b"], 4, 2)),
    .zip(
      "two sizes", pictures([("train/a/2.png", "large.png")]),
      .refused("train/a/1.png is 14 wide and 9 high, train/a/2.png 101 wide and 67 high; say resize=HEIGHT,WIDTH")),
    .zip(
      "two sizes in two folders", pictures([("train/c/2.png", "large.png")]),
      .refused("train/a/1.png is 14 wide and 9 high, train/c/2.png 101 wide and 67 high")),
    .zip(
      "two sizes, brought to one", pictures([("train/a/2.png", "large.png")]), options: DatasetOptions(resize: .init(height: 4, width: 5)),
      .taken([4, 5, 3], ["a", "b"], 3, 2)),
    .zip(
      "turned pictures have their height and width as they are seen",
      {
        PictureArchives.twoClasses(try PictureArchives.picture("orientation-6.jpg")) + [
          ("train/a/2.jpg", try PictureArchives.picture("orientation-8.jpg"))
        ]
      },
      .taken([14, 9, 3], ["a", "b"], 3, 2)),
    .zip(
      "damaged pictures, each named",
      {
        var entries = try named(four)()
        entries.append(("train/a/cut.jpg", try PictureArchives.picture("colour.jpg").dropLast(40)))
        entries.append(("train/a/cut.png", try PictureArchives.picture("colour.png").dropLast(60)))
        entries.append(("train/b/cut.webp", try PictureArchives.picture("lossy.webp").dropLast(30)))
        return entries
      }, options: DatasetOptions(resize: .init(height: 9, width: 14)),
      .refused("3 pictures cannot be used: train/")),
    .zip(
      "a damaged picture", { try named(four)() + [("train/a/x.png", Array(try small().dropLast(30)))] },
      .refused("a picture cannot be used: train/a/x.png: it cannot be decoded: it ends too early")),
    .zip(
      "a page in a picture's place", { try named(four)() + [("train/a/x.jpg", Array("<!DOCTYPE html>".utf8))] },
      .refused("train/a/x.jpg: it is a page of HTML or XML; JPEG, PNG and WebP are read")),
    .zip(
      "a pointer of Git LFS", { try named(four)() + [("train/a/x.jpg", Array("version https://git-lfs.github.com/spec/v1".utf8))] },
      .refused("it is a pointer of Git LFS")),
    .zip("a GIF", { try named(four)() + [("train/a/x.gif", Array("GIF89a".utf8))] }, .refused("train/a/x.gif: it is a GIF")),
    .zip("a HEIC", { try named(four)() + [("train/a/x.heic", [0, 0, 0, 24] + Array("ftypheic".utf8))] }, .refused("it is a HEIC")),
    .zip("an empty picture", { try named(four)() + [("train/a/x.png", [])] }, .refused("train/a/x.png: it is empty")),
    .zip("an animation", pictures([("train/a/x.webp", "animated.webp")]), .refused("it is an animation")),
    .zip(
      "a picture that claims any number of pixels",
      {
        var bomb = try PictureArchives.picture("colour.png")
        bomb.replaceSubrange(16..<24, with: big(1 << 20, 4) + big(1 << 20, 4))
        bomb.replaceSubrange(29..<33, with: big(StoredArchive.crc32(Array(bomb[12..<29])), 4))
        return try named(four)() + [("train/a/x.png", bomb)]
      }, .refused("it has 1048576 × 1048576 pixels; at most 67108864 are read")),
    .zip(
      "more damaged pictures than are named",
      { try named(four)() + (0..<60).map { ("train/a/x\($0).png", [1, 2, 3]) } }, .refused("60 pictures cannot be used: ")),
  ]

  // MARK: Archives

  private static let entries: @Sendable () throws -> [PictureArchives.Entry] = { PictureArchives.twoClasses(try small()) }

  private static func with(_ entry: [UInt8]) -> @Sendable () throws -> [UInt8] {
    { try PictureArchives.tar(entries(), hasEnd: false) + entry + [UInt8](repeating: 0, count: 1_024) }
  }

  static let archives: [UploadRow] = [
    .body("a tar", { PictureArchives.tar(try entries()) }, .taken(grey, ["a", "b"], 2, 2)),
    .body("a tar.gz", { PictureArchives.gzip(PictureArchives.tar(try entries())) }, .taken(grey, ["a", "b"], 2, 2)),
    .body("a tar with folders", with(PictureArchives.entry("train/c/", [], kind: "5")), .taken(grey, ["a", "b"], 2, 2)),
    .body("a zip that was cut", { Array(PictureArchives.zip(try entries()).dropLast(100)) }, .refused("this is no whole zip archive")),
    .body(
      "a tar that was cut within a picture", { Array(PictureArchives.tar(try entries(), hasEnd: false).dropLast(400)) },
      .refused("no whole tar archive")),
    .body(
      "a tar that was cut between two", { PictureArchives.tar(try entries(), hasEnd: false) },
      .refused("does not end with the zeros that end a tar archive")),
    .body(
      "a tar.gz that was cut", { Array(PictureArchives.gzip(PictureArchives.tar(try entries())).dropLast(20)) },
      .refused("the gzip file is truncated")),
    .body(
      "a tar.gz with a wrong checksum",
      {
        var bytes = PictureArchives.gzip(PictureArchives.tar(try entries()))
        bytes[bytes.count - 8] ^= 1
        return bytes
      }, .refused("the gzip data is damaged")),
    .body(
      "a path upwards in a zip", { PictureArchives.zip(try entries() + [("../../x.png", try small())]) },
      .refused("../../x.png leads out of the archive")),
    .body(
      "an absolute path", { PictureArchives.zip(try entries() + [("/train/a/x.png", try small())]) }, .refused("leads out of the archive")),
    .body(
      "a path upwards by the other stroke", { PictureArchives.tar(try entries() + [("train\\..\\x.png", try small())]) },
      .refused("leads out of the archive")),
    .body("a path upwards in a tar", with(PictureArchives.entry("train/../../x.png", [])), .refused("leads out of the archive")),
    .body(
      "a symbolic link", with(PictureArchives.entry("train/a/x.png", [], kind: "2", link: "/etc/passwd")), .refused("is a link or a device")
    ),
    .body(
      "a hard link", with(PictureArchives.entry("train/a/x.png", [], kind: "1", link: "train/a/1.png")), .refused("is a link or a device")),
    .body("a pipe", with(PictureArchives.entry("train/a/x.png", [], kind: "6")), .refused("is a link or a device")),
    .body(
      "a symbolic link in a zip",
      {
        var archive = StoredArchive()
        for entry in try entries() { archive.add(entry.0, entry.1) }
        archive.add("train/a/x.png", Array("/etc/passwd".utf8), mode: 0o120777)
        return archive.bytes
      }, .refused("is a link or a device")),
    .body(
      "an entry by a method that takes much memory",
      {
        var archive = StoredArchive()
        archive.add("train/a/x.png", [1, 2, 3], method: 14)
        return archive.bytes
      }, .refused("is compressed by the method lzma")),
    .body(
      "an entry whose checksum is wrong",
      {
        var archive = StoredArchive()
        for entry in try entries() { archive.add(entry.0, entry.1) }
        archive.add("train/a/x.png", try small(), checksum: 1)
        return archive.bytes
      }, .refused("a picture cannot be used: train/a/x.png: the archive has it damaged")),
    .body(
      "more bytes than a data set may have", limits: DatasetLimits(uncompressedBytes: 600), { PictureArchives.zip(try entries()) },
      .refused("have more than 600 bytes together")),
    .body(
      "more pixels than a data set may have", limits: DatasetLimits(uncompressedBytes: 3_000),
      {
        // The pixels of a picture are more than its bytes.
        try PictureArchives.zip(
          PictureArchives.twoClasses(PictureArchives.picture("one-bit.png"))
            + (0..<28).map { ("train/a/x\($0).png", try PictureArchives.picture("one-bit.png")) })
      }, .refused("over the limit of 3000 bytes")),
    .body(
      "a tar.gz that grows", limits: DatasetLimits(uncompressedBytes: 3_000), { PictureArchives.gzip(PictureArchives.tar(try entries())) },
      .refused("the archive has more than 3000 bytes after decompression")),
    .body("a picture instead of an archive", { try PictureArchives.picture("large.png") }, .refused("this is one PNG picture")),
    .body("a tar.xz", { [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0] }, .refused("this is compressed by xz")),
    .body("a 7z", { [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C] }, .refused("a 7z archive")),
    .body("a page", { Array("<!DOCTYPE html>".utf8) + [UInt8](repeating: 32, count: 600) }, .refused("no whole tar archive")),
    .body("nothing", { [] }, .refused("has 0 bytes and is no archive")),
  ]

  // MARK: CIFAR

  /// Records of these labels: before each image one byte, or two.
  private static func records(_ labels: [UInt8], coarse: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    for label in labels {
      if coarse { bytes.append(7) }
      bytes.append(label)
      for plane in 0..<3 { bytes += [UInt8](repeating: UInt8(plane * 50) + label, count: 1_024) }
    }
    return bytes
  }

  /// A batch as Python pickles it (protocol 2), by hand.
  static func pickled(_ labels: [UInt8], key: String = "labels", module: String = "numpy.core.multiarray\n_reconstruct\n") -> [UInt8] {
    var bytes: [UInt8] = [0x80, 2]
    func put(_ text: String, _ more: UInt8...) {
      bytes += Array(text.utf8)
      bytes += more
    }
    func short(_ text: String) {
      put("U", UInt8(text.utf8.count))
      put(text)
    }
    func long(_ value: Int) {
      put("J")
      bytes += little(value, 4)
    }
    put("}q", 1)
    put("(")
    short("batch_label")
    short("training batch 1 of 5")
    short(key)
    put("]q", 2)
    put("(")
    for label in labels { put("K", label) }
    put("e")
    short("data")
    put("c" + module + "cnumpy\nndarray\nK", 0, 0x85)
    short("b")
    put("", 0x87)
    put("R(K", 1)
    put("K", UInt8(labels.count))
    put("M")
    bytes += little(3_072, 2)
    put("", 0x86)
    put("cnumpy\ndtype\n")
    short("u1")
    put("K", 0)
    put("K", 1, 0x87)
    put("R(K", 3)
    short("|")
    put("NNN")
    long(-1)
    long(-1)
    put("K", 0)
    put("tb", 0x89)
    put("T")
    bytes += little(labels.count * 3_072, 4)
    for label in labels { bytes += [UInt8](repeating: label, count: 3_072) }
    put("tbu.")
    return bytes
  }

  static let cifar: [UploadRow] = [
    .form(.cifar, "CIFAR-10", { [("train", records([0, 1, 2])), ("test", records([2]))] }, .taken([32, 32, 3], ["0", "1", "2"], 3, 1)),
    .form(
      .cifar, "CIFAR-100", { [("train", records([0, 1, 2], coarse: true)), ("test", records([2], coarse: true))] },
      .taken([32, 32, 3], ["0", "1", "2"], 3, 1)),
    .form(
      .cifar, "several files, one gzipped, and names",
      {
        [
          ("train", records([0, 1])), ("train", PictureArchives.gzip(records([2]))), ("test", records([1])),
          ("names", Array("cat\ndog\nfox\n".utf8)),
        ]
      }, .taken([32, 32, 3], ["cat", "dog", "fox"], 3, 1)),
    .form(
      .cifar, "batches for Python", { [("train", pickled([0, 1])), ("train", pickled([2])), ("test", pickled([1], key: "fine_labels"))] },
      .taken([32, 32, 3], ["0", "1", "2"], 3, 1)),
    .form(
      .cifar, "a cut file", { [("train", Array(records([0, 1]).dropLast(5))), ("test", records([1]))] },
      .refused("has 6141 bytes, which are no whole records")),
    .form(
      .cifar, "both kinds", { [("train", records([0, 1])), ("test", records([1], coarse: true))] },
      .refused("some files have the records of CIFAR-10 and some those of CIFAR-100")),
    .form(
      .cifar, "too few names", { [("train", records([0, 1])), ("test", records([1])), ("names", Array("cat\n".utf8))] },
      .refused("there are 1 names, one on each line, for 2 classes")),
    .form(
      .cifar, "a pickle that would call something", { [("train", pickled([0, 1], module: "os\nsystem\n")), ("test", records([1]))] },
      .refused("it names os system. Pickles are never executed")),
    .form(
      .cifar, "a pickle of another protocol", { [("train", [0x80, 4, 0x95, 0, 0, 0]), ("test", records([1]))] },
      .refused("it has the instruction 0x95")),
    .form(
      .cifar, "a pickle that was cut", { [("train", Array(pickled([0, 1]).dropLast(100))), ("test", records([1]))] },
      .refused("it ends too early")),
    .form(.cifar, "no test part", { [("train", records([0, 1]))] }, .refused("this part is missing")),
  ]

  // MARK: NPY

  /// An array in NumPy's format.
  private static func array(_ descriptor: String, _ shape: String, _ body: [UInt8]) -> [UInt8] {
    let header = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }\n".utf8)
    var bytes: [UInt8] = [0x93]
    bytes += Array("NUMPY".utf8)
    bytes += [1, 0]
    bytes += little(header.count, 2)
    return bytes + header + body
  }

  private static func arrays(_ labels: [UInt8]) -> @Sendable () throws -> [(String, [UInt8])] {
    {
      [
        ("y_test", array("|u1", "(1,)", [1])), ("x_train", array("|u1", "(2, 2, 2)", [9, 2, 3, 4, 5, 6, 7, 8])),
        ("y_train", PictureArchives.gzip(array("|u1", "(2,)", labels))), ("x_test", array("|u1", "(1, 2, 2)", [1, 2, 3, 4])),
      ]
    }
  }

  static let npy: [UploadRow] = [
    .form(.npy, "four files, one gzipped", arrays([0, 1]), .taken([2, 2, 1], ["0", "1"], 2, 1)),
    .form(.npy, "a file too few", { try arrays([0, 1])().dropLast() }, .refused("this part is missing")),
    .form(
      .npy, "no array", { try arrays([0, 1])().map { ($0.0, $0.0 == "x_test" ? [1, 2, 3] : $0.1) } }, .refused("within the magic string")),
  ]

  // MARK: CSV

  private static func table(_ train: String, _ test: String) -> @Sendable () throws -> [(String, [UInt8])] {
    { [("train", Array(train.utf8)), ("test", Array(test.utf8))] }
  }

  static let csv: [UploadRow] = [
    .form(.csv, "floats", table("a,label,b\n0.5,0,1\n0,1,0.25\n", "a,label,b\n1,1,0\n"), .taken([2], ["0", "1"], 2, 1)),
    .form(
      .csv, "bytes", table("label,p0,p1\n0,255,0\n1,7,128\n", "label,p0,p1\n1,0,0\n"), .taken([2], ["0", "1"], 2, 1, ["divided_by_255"])),
    .form(
      .csv, "names, quotes, line ends of Windows",
      table("\u{FEFF}label,\"x, y\"\r\n\"cat \"\"A\"\"\",0.5\r\ndog,1\r\n", "label,\"x, y\"\r\ndog,0\r\n"),
      .taken([1], ["cat \"A\"", "dog"], 2, 1)),
    .form(
      .csv, "a scale", options: DatasetOptions(scale: 16), table("label,a\n0,16\n1,8.5\n", "label,a\n1,0\n"), .taken([1], ["0", "1"], 2, 1)),
    .form(
      .csv, "gzipped", { [("train", PictureArchives.gzip(Array("label,a\n0,1\n1,0\n".utf8))), ("test", Array("label,a\n1,0.5".utf8))] },
      .taken([1], ["0", "1"], 2, 1)),
    .form(.csv, "no names of columns", table("5,0,0\n3,1,1\n", "1,0,0\n"), .refused("the first row names no column label")),
    .form(
      .csv, "beyond [0, 1]", table("label,a\n0,1.5\n1,0.5\n", "label,a\n1,0\n"),
      .refused("row 2, column a: the value is 1.5; features must be in [0, 1]")),
    .form(
      .csv, "a text among numbers", table("label,a\n0,x\n1,0.5\n", "label,a\n1,0\n"), .refused("row 2, column a: \"x\" is no finite number")
    ),
    .form(.csv, "a NaN", table("label,a\n0,0.5\n1,nan\n", "label,a\n1,0\n"), .refused("row 3, column a: \"nan\" is no finite number")),
    .form(
      .csv, "a missing field", table("label,a,b\n0,1\n1,0.5,1\n", "label,a,b\n1,0,0\n"), .refused("row 2 has 2 fields; there are 3 columns")
    ),
    .form(.csv, "other columns", table("label,a\n0,1\n1,0.5\n", "label,b\n1,0\n"), .refused("the columns are not those of")),
    .form(.csv, "an open quote", table("label,a\n0,\"1\n1,0.5\n", "label,a\n1,0\n"), .refused("has a quote that is never closed")),
    .form(.csv, "a label that training never gives", table("label,a\ncat,1\ndog,0\n", "label,a\nfox,0\n"), .refused("\"fox\", which")),
    .form(.csv, "no rows", table("label,a\n", "label,a\n1,0\n"), .refused("there is no row below")),
    .form(.csv, "an empty file", table("", "label,a\n1,0\n"), .refused("the file is empty")),
  ]
}
