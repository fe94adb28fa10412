import Files
import TensorEngine

/// The format of MNIST's files (Y. LeCun, C. Cortes, C. Burges, "The MNIST database"), all big-endian: a magic number, whose third byte
/// is the element type and whose fourth is the number of dimensions; the dimensions as 32-bit integers; the elements.
struct IDXReader {
  private static let unsignedByte: UInt8 = 0x08
  private var budget: ByteBudget
  private let writer: PackedWriter

  init(_ limits: DatasetLimits, into writer: PackedWriter) {
    budget = ByteBudget(limits)
    self.writer = writer
  }

  consuming func read(
    trainImages: OpenFile, trainLabels: OpenFile, testImages: OpenFile, testLabels: OpenFile
  ) throws -> (train: LabelledImages, test: LabelledImages) {
    // Labels first, so that a wrong small part is found before the large one is read.
    let labels = try (train: self.labels(trainLabels), test: self.labels(testLabels))
    let train = try LabelledImages(images(trainImages), labels.train)
    return (train, try LabelledImages(images(testImages), labels.test))
  }

  private mutating func images(_ file: OpenFile) throws -> ImageArray {
    let reader = try Self.reader(of: file)
    let dimensions = try Self.header(reader, ranks: 2...4, usual: "0x00000803 (images: unsigned bytes, 3 dimensions)")
    let count = try budget.spend(dimensions, elementBytes: 1, part: file.title)
    let array = try writer.bytes(reader, count: count)
    try reader.end(after: "the \(count) pixels")
    let image = Array(dimensions.dropFirst())
    // [n, h, w] has one channel; [n, features] are rows.
    let shape = Shape(image.count == 2 ? image + [1] : image)
    return ImageArray(title: file.title, count: dimensions[0], shape: shape, array: array)
  }

  private mutating func labels(_ file: OpenFile) throws -> LabelArray {
    let reader = try Self.reader(of: file)
    let dimensions = try Self.header(reader, ranks: 1...1, usual: "0x00000801 (labels: unsigned bytes, 1 dimension)")
    let count = try budget.spend(dimensions, elementBytes: 1, part: file.title)
    let labels = try writer.labels(reader, count: count, as: UInt8.self, classes: budget.limits.classes)
    try reader.end(after: "the \(count) labels")
    return labels
  }

  private static func reader(of file: OpenFile) throws -> ByteReader {
    ByteReader(try GzipSource.recognises(file) ? GzipSource(file) : FileSource(file), part: file.title)
  }

  private static func header(_ reader: ByteReader, ranks: ClosedRange<Int>, usual: String) throws -> [Int] {
    let magic = try reader.bytes(4, of: "the magic number")
    guard magic[0] == 0, magic[1] == 0, magic[2] == unsignedByte, ranks.contains(Int(magic[3])) else {
      throw DatasetError(part: reader.part, offset: 0, "the magic number is 0x\(SHA256Digest.hex(magic)); it must be \(usual)")
    }
    let fields = try reader.bytes(4 * Int(magic[3]), of: "the dimensions")
    return stride(from: 0, to: fields.count, by: 4).map { start in
      fields[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
  }
}
