import Files
import TensorEngine

/// The format of MNIST's files (Y. LeCun, C. Cortes, C. Burges, "The MNIST database"): a magic number of which the third byte is the type of
/// the elements and the fourth the number of dimensions, the dimensions as 32-bit integers, then the elements; all big-endian.
struct IDXReader {
  private static let unsignedByte: UInt8 = 0x08
  private var budget: ByteBudget

  init(_ limits: DatasetLimits) { budget = ByteBudget(limits) }

  consuming func read(
    trainImages: DatasetFile, trainLabels: DatasetFile, testImages: DatasetFile, testLabels: DatasetFile
  ) throws -> (train: LabelledImages, test: LabelledImages) {
    // Labels before images: a wrong small part is found before the large one is read.
    let labels = try (train: self.labels(trainLabels), test: self.labels(testLabels))
    let train = try LabelledImages(images(trainImages), labels.train)
    return (train, try LabelledImages(images(testImages), labels.test))
  }

  private mutating func images(_ file: DatasetFile) throws -> ImageArray {
    let (dimensions, bytes) = try array(file, of: "pixels", ranks: 2...4, usual: "0x00000803 (images: unsigned bytes, 3 dimensions)")
    let image = Array(dimensions.dropFirst())
    // [n, h, w] has one channel; [n, features] are rows.
    let shape = Shape(image.count == 2 ? image + [1] : image)
    return ImageArray(title: file.title, count: dimensions[0], shape: shape, pixels: Pixels(bytes: bytes))
  }

  private mutating func labels(_ file: DatasetFile) throws -> LabelArray {
    let (_, bytes) = try array(file, of: "labels", ranks: 1...1, usual: "0x00000801 (labels: unsigned bytes, 1 dimension)")
    let limit = budget.limits.classes
    if let index = bytes.firstIndex(where: { Int($0) >= limit }) {
      throw DatasetError(part: file.title, offset: 8 + index, "label \(index) is \(bytes[index]); a label must be in 0…\(limit - 1)")
    }
    return LabelArray(title: file.title, labels: bytes.map(Int.init))
  }

  private mutating func array(
    _ file: DatasetFile, of what: String, ranks: ClosedRange<Int>, usual: String
  ) throws -> (dimensions: [Int], bytes: [UInt8]) {
    let file = try RegularFile(file)
    let reader = ByteReader(GzipSource.recognises(file) ? try GzipSource(file) : file, part: file.title)
    let dimensions = try header(reader, ranks: ranks, usual: usual)
    let count = try budget.spend(dimensions, elementBytes: 1, part: file.title)
    let bytes = try Array(reader, count: count, of: what)
    try reader.end(after: "the \(count) \(what)")
    return (dimensions, bytes)
  }

  private func header(_ reader: ByteReader, ranks: ClosedRange<Int>, usual: String) throws -> [Int] {
    let magic = try reader.bytes(4, of: "the magic number")
    guard magic[0] == 0, magic[1] == 0, magic[2] == Self.unsignedByte, ranks.contains(Int(magic[3])) else {
      throw DatasetError(part: reader.part, offset: 0, "the magic number is 0x\(SHA256Digest.hex(magic)); it must be \(usual)")
    }
    let fields = try reader.bytes(4 * Int(magic[3]), of: "the dimensions")
    return stride(from: 0, to: fields.count, by: 4).map { start in
      fields[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
  }
}

extension [UInt8] {
  /// The next `count` bytes of a part. Memory grows with what is really there, not with what a header promises.
  init(_ reader: ByteReader, count: Int, of what: String) throws {
    self.init()
    reserveCapacity(Swift.min(count, 64 << 20))
    try reader.body(count, of: what) { append(contentsOf: $0) }
  }
}
