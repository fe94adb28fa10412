import Files

/// One file of CIFAR: binary, gzipped or not, or pickled for Python.
struct CIFARBatch {
  private enum Content {
    /// So many bytes after decompression.
    case binary(bytes: Int)
    case pickled(PickledBatch)
  }

  private let file: OpenFile
  private let content: Content

  init(_ file: OpenFile) throws {
    self.file = file
    if try PickledBatch.recognises(file) {
      content = .pickled(try PickledBatch(file))
    } else {
      content = .binary(bytes: try Self.length(of: file))
    }
  }

  private static func source(of file: OpenFile) throws -> any ByteSource {
    try GzipSource.recognises(file) ? GzipSource(file) : FileSource(file)
  }

  private static func length(of file: OpenFile) throws -> Int {
    guard try GzipSource.recognises(file) else { return file.size }
    let source = try source(of: file)
    return try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      var (total, count) = (0, 1)
      while count > 0 {
        count = try source.read(into: buffer)
        total += count
      }
      return total
    }
  }

  /// The bytes of a binary record: 3,073 of CIFAR-10, 3,074 of CIFAR-100.
  ///
  /// - Throws: `DatasetError` where the files are not whole records of either.
  static func recordWidth(_ batches: [CIFARBatch]) throws -> Int {
    let widths = [CIFARReader.pixels + 1, CIFARReader.pixels + 2]
    func fits(_ batch: CIFARBatch, _ width: Int) -> Bool {
      guard case .binary(let bytes) = batch.content else { return true }
      return bytes > 0 && bytes % width == 0
    }
    if let width = widths.first(where: { width in batches.allSatisfy { fits($0, width) } }) { return width }
    let odd = batches.first { batch in !widths.contains { fits(batch, $0) } }
    guard let odd, case .binary(let bytes) = odd.content else {
      throw DatasetError(
        part: batches.first?.file.title, "some files have the records of CIFAR-10 and some those of CIFAR-100; all must be of one")
    }
    throw DatasetError(
      part: odd.file.title,
      "the file has \(bytes) bytes, which are no whole records of 3,073 bytes (CIFAR-10) or 3,074 (CIFAR-100); the parts are the files of the unpacked archive, such as data_batch_1.bin"
    )
  }

  func count(_ width: Int) -> Int {
    switch content {
    case .binary(let bytes): bytes / width
    case .pickled(let batch): batch.labels.count
    }
  }

  /// - Parameter take: gets each label and its pixels, plane after plane.
  func forEachRecord(_ width: Int, _ take: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
    switch content {
    case .binary(let bytes):
      let reader = ByteReader(try Self.source(of: file), part: file.title)
      for _ in 0..<bytes / width {
        try reader.bytes(width, of: "a record").withUnsafeBytes { record in
          let start = width - CIFARReader.pixels
          try take(Int(record[start - 1]), UnsafeRawBufferPointer(rebasing: record[start...]))
        }
      }
    case .pickled(let batch):
      let reader = ByteReader(FileSource(try OpenFile(file, bytes: batch.pixels, title: file.title)), part: file.title)
      for label in batch.labels {
        try reader.bytes(CIFARReader.pixels, of: "the pixels").withUnsafeBytes { try take(label, $0) }
      }
    }
  }
}
