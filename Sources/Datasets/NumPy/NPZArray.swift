import Files

/// An array of an NPZ file, read from front to back and never held in memory whole unless it is asked for.
package final class NPZArray {
  package let name: String
  /// NumPy's name of the element type, such as `<f4` or `|b1`.
  package let descriptor: String
  package let dimensions: [Int]
  /// The number of elements.
  package let count: Int
  private let reader: ByteReader

  /// Opens one array of a file.
  ///
  /// - Throws: `DatasetError`, also when the array is compressed, claims more bytes than the whole file has, or is there twice.
  package init(_ name: String, in file: OpenFile) throws {
    let names = try Self.names(in: file).filter { $0 == name + ".npy" }
    guard names.count == 1 else { throw DatasetError(part: name, "the archive has \(names.count) arrays of this name; it must have one") }
    let archive = try ZipArchive(file)
    while let entry = try archive.nextEntry(), entry != name + ".npy" {}
    let entry = try ZipArchive.Entry(of: archive, title: name)
    // The size of the file bounds what an array that is stored as it is can take.
    guard entry.isStored else {
      throw DatasetError(
        part: name, "the array is compressed; it must be stored as it is: written by numpy.savez, not numpy.savez_compressed")
    }
    reader = ByteReader(entry, part: name)
    let header = try NPYHeader(reader)
    guard let width = header.elementBytes else { throw header.refusal(name, wanted: "plain numbers") }
    guard !header.isInFortranOrder else { throw DatasetError(part: name, "the array is in Fortran order; it must be in C's") }
    let bytes = header.dimensions.reduce(Int?.some(width)) { product, dimension in
      let (next, overflow) = (product ?? 0).multipliedReportingOverflow(by: dimension)
      return product == nil || overflow || dimension < 0 ? nil : next
    }
    guard let bytes, bytes <= file.size else {
      throw DatasetError(part: name, "the header gives the dimensions \(header.dimensions), which the file is too short for")
    }
    self.name = name
    descriptor = header.descriptor
    dimensions = header.dimensions
    count = bytes / width
  }

  /// The names of all entries of the archive.
  static func names(in file: OpenFile) throws -> [String] {
    let archive = try ZipArchive(file)
    var names: [String] = []
    while let entry = try archive.nextEntry() { names.append(entry) }
    return names
  }

  /// The next `count` elements of an array of `<f4`.
  package func floats(_ count: Int) throws -> [Float] {
    var values = [Float]()
    values.reserveCapacity(count)
    try reader.body(count * 4, of: "elements") { values.append(contentsOf: $0.assumingMemoryBound(to: Float.self)) }
    return values
  }

  /// All elements of an array of `<i8`.
  package func integers() throws -> [Int] {
    guard descriptor == "<i8" else { throw DatasetError(part: name, "the elements are of the type \(descriptor); they must be int64") }
    var values = [Int]()
    try reader.body(count * 8, of: "elements") { piece in
      for place in stride(from: 0, to: piece.count, by: 8) {
        values.append(Int(Int64(littleEndian: piece.loadUnaligned(fromByteOffset: place, as: Int64.self))))
      }
    }
    try end()
    return values
  }

  /// All elements of an array of `|b1`.
  package func booleans() throws -> [Bool] {
    guard descriptor == "|b1" else { throw DatasetError(part: name, "the elements are of the type \(descriptor); they must be bool") }
    var values = [Bool]()
    try reader.body(count, of: "elements") { values += $0.map { $0 != 0 } }
    try end()
    return values
  }

  /// Checks that nothing follows the elements, and the checksum of the archive.
  package func end() throws { try reader.end(after: "the elements") }
}

extension NPYHeader {
  /// Of an element of a plain number or truth value; `nil` for any other.
  fileprivate var elementBytes: Int? {
    guard descriptor.utf8.count == 3, let kind = descriptor.dropFirst().first, "biuf".contains(kind), !descriptor.hasPrefix(">") else {
      return nil
    }
    return descriptor.last?.wholeNumberValue.flatMap { [1, 2, 4, 8].contains($0) ? $0 : nil }
  }
}
