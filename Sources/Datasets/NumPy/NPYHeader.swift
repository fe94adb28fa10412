/// The header of an array in NumPy's format (NEP 1 and `numpy.lib.format`, versions 1.0, 2.0 and 3.0).
struct NPYHeader: Equatable {
  /// NumPy's name of the element type, such as `<f4` or `|u1`.
  let descriptor: String
  let dimensions: [Int]
  /// Whether the first dimension is the innermost; so it may be said of an array whose order makes no difference.
  let isInFortranOrder: Bool

  /// The headers of plain arrays have about 120 bytes.
  private static let longest = 1 << 16

  init(_ reader: ByteReader) throws {
    let magic = try reader.bytes(8, of: "the magic string")
    guard magic.starts(with: [0x93] + "NUMPY".utf8) else {
      throw DatasetError(part: reader.part, offset: 0, "the array does not begin with the magic string of an NPY file, \\x93NUMPY")
    }
    guard (1...3).contains(magic[6]), magic[7] == 0 else {
      throw DatasetError(
        part: reader.part, offset: 6, "this is version \(magic[6]).\(magic[7]) of the NPY format; 1.0, 2.0 and 3.0 are read")
    }
    let field = try reader.bytes(magic[6] == 1 ? 2 : 4, of: "the length of the header")
    let length = field.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.longest else {
      throw DatasetError(part: reader.part, offset: 8, "the header is said to have \(length) bytes; at most \(Self.longest) are read")
    }
    let start = reader.offset
    let text = try reader.bytes(length, of: "the header")
    guard case .dictionary(let fields) = PythonLiteral(text) else {
      throw DatasetError(part: reader.part, offset: start, "the header is no Python dictionary as NumPy writes it")
    }
    try self.init(fields, reader.part, start)
  }

  private init(_ fields: [String: PythonLiteral], _ part: String, _ offset: Int) throws {
    guard let descriptor = fields["descr"], let order = fields["fortran_order"], let shape = fields["shape"], fields.count == 3 else {
      let names = fields.keys.sorted().joined(separator: ", ")
      throw DatasetError(part: part, offset: offset, "the header has the fields \(names); it must have descr, fortran_order and shape")
    }
    guard case .string(let descriptor) = descriptor else {
      throw DatasetError(part: part, offset: offset, "the array has structured elements; it must have plain numbers")
    }
    guard case .bool(let fortran) = order else {
      throw DatasetError(part: part, offset: offset, "the header's fortran_order must be True or False")
    }
    guard case .sequence(let values) = shape else {
      throw DatasetError(part: part, offset: offset, "the header's shape must be a tuple of integers")
    }
    self.descriptor = descriptor
    dimensions = try values.map { value in
      guard case .integer(let dimension) = value else {
        throw DatasetError(part: part, offset: offset, "the header's shape must be a tuple of integers")
      }
      return dimension
    }
    isInFortranOrder = fortran && dimensions.count { $0 > 1 } > 1
  }

  /// The error for an element type that is not supported.
  func refusal(_ part: String, wanted: String) -> DatasetError {
    let reason =
      switch descriptor.dropFirst().first {
      case "O": "the elements are Python objects"
      default: "the elements are of the type \(descriptor)"
      }
    return DatasetError(part: part, "\(reason); they must be \(wanted)")
  }
}
