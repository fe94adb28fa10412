import Files
import TensorEngine

/// Reads NumPy's archives: a zip file (compressed or not) with an NPY file for each of the arrays `x_train`, `y_train`, `x_test`,
/// `y_test`.
///
/// Other arrays are ignored.
struct NPZReader {
  private static let arrays = ["x_train", "y_train", "x_test", "y_test"]
  private var budget: ByteBudget
  private let writer: PackedWriter
  private var images = [String: ImageArray]()
  private var labels = [String: LabelArray]()

  init(_ limits: DatasetLimits, into writer: PackedWriter) {
    budget = ByteBudget(limits)
    self.writer = writer
  }

  consuming func read(_ file: OpenFile) throws -> (train: LabelledImages, test: LabelledImages) {
    let archive = try ZipArchive(file)
    while let entry = try archive.nextEntry() {
      guard entry.hasSuffix(".npy"), case let name = String(entry.dropLast(4)), Self.arrays.contains(name) else { continue }
      guard images[name] == nil, labels[name] == nil else {
        throw DatasetError(part: name, "the archive has this array twice")
      }
      try take(name, ByteReader(ZipArchive.Entry(of: archive, title: name), part: name))
    }
    return try (train: part("x_train", "y_train", file.title), test: part("x_test", "y_test", file.title))
  }

  private func part(_ images: String, _ labels: String, _ title: String) throws -> LabelledImages {
    guard let images = self.images[images], let labels = self.labels[labels] else {
      let missing = self.images[images] == nil ? images : labels
      throw DatasetError(part: title, "the archive has no array \(missing); it must have \(Self.arrays.joined(separator: ", "))")
    }
    return try LabelledImages(images, labels)
  }

  private mutating func take(_ name: String, _ reader: ByteReader) throws {
    let header = try NPYHeader(reader)
    if name.hasPrefix("x") {
      images[name] = try images(header, reader)
    } else {
      labels[name] = try labels(header, reader)
    }
    try reader.end(after: "the \(ByteBudget.describe(header.dimensions)) elements")
  }

  private mutating func images(_ header: NPYHeader, _ reader: ByteReader) throws -> ImageArray {
    let dimensions = header.dimensions
    guard (2...4).contains(dimensions.count) else {
      throw DatasetError(
        part: reader.part,
        "the array has \(dimensions.count) dimensions; images are [n, height, width] or [n, height, width, channels], rows [n, features]")
    }
    let image = Array(dimensions.dropFirst())
    let array =
      switch header.descriptor {
      case "|u1", "<u1": try writer.bytes(reader, count: budget.spend(dimensions, elementBytes: 1, part: reader.part))
      case "<f4": try floats(dimensions, Float.self, reader)
      case "<f8": try floats(dimensions, Double.self, reader)
      default: throw header.refusal(reader.part, wanted: "uint8, or little-endian float32 or float64 in [0, 1]")
      }
    return ImageArray(
      title: reader.part, count: dimensions[0], shape: Shape(image.count == 2 ? image + [1] : image), array: array)
  }

  private mutating func floats<Value: BinaryFloatingPoint & BitwiseCopyable>(
    _ dimensions: [Int], _ type: Value.Type, _ reader: ByteReader
  ) throws -> PackedArray {
    let count = try budget.spend(dimensions, elementBytes: MemoryLayout<Value>.size, part: reader.part)
    return try writer.floats(reader, count: count, imageSize: count / dimensions[0], as: type)
  }

  private mutating func labels(_ header: NPYHeader, _ reader: ByteReader) throws -> LabelArray {
    let dimensions = header.dimensions
    guard dimensions.count == 1 || dimensions.count == 2 && dimensions[1] == 1 else {
      throw DatasetError(
        part: reader.part, "the array of labels is [\(dimensions.map(String.init).joined(separator: ", "))]; it must be [n], a class each")
    }
    return switch header.descriptor {
    case "|i1", "<i1": try integers(dimensions, Int8.self, reader)
    case "<i2": try integers(dimensions, Int16.self, reader)
    case "<i4": try integers(dimensions, Int32.self, reader)
    case "<i8": try integers(dimensions, Int64.self, reader)
    case "|u1", "<u1": try integers(dimensions, UInt8.self, reader)
    case "<u2": try integers(dimensions, UInt16.self, reader)
    case "<u4": try integers(dimensions, UInt32.self, reader)
    case "<u8": try integers(dimensions, UInt64.self, reader)
    default: throw header.refusal(reader.part, wanted: "little-endian integers")
    }
  }

  private mutating func integers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ dimensions: [Int], _ type: Value.Type, _ reader: ByteReader
  ) throws -> LabelArray {
    let count = try budget.spend(dimensions, elementBytes: MemoryLayout<Value>.size, part: reader.part)
    return try writer.labels(reader, count: count, as: type, classes: budget.limits.classes)
  }
}
