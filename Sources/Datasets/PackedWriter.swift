import Files

/// Writes the arrays of a data set into a file one after the other, in the format of `PackedDataset`.
///
/// An array is copied in pieces and never held in memory whole.
final class PackedWriter {
  private let file: NewFile
  private let check: () throws -> Void

  /// - Parameters:
  ///   - file: an empty file.
  ///   - check: called for each piece; an error that it throws ends the packing.
  init(_ file: NewFile, check: @escaping () throws -> Void) {
    precondition(file.bytes == 0, "a packed data set is a file of its own")
    self.file = file
    self.check = check
  }

  /// Copies pixels that are bytes.
  func bytes(_ reader: ByteReader, count: Int) throws -> PackedArray {
    let offset = try align()
    try reader.body(count, of: "pixels") { try append($0) }
    return PackedArray(kind: .uint8, offset: offset, count: count)
  }

  /// Converts pixels in [0, 1] to 32-bit floats.
  ///
  /// - Parameter imageSize: the number of values of one image; an error gives the image's number.
  func floats<Value: BinaryFloatingPoint & BitwiseCopyable>(
    _ reader: ByteReader, count: Int, imageSize: Int, as type: Value.Type
  ) throws -> PackedArray {
    let offset = try align()
    let (start, width) = (reader.offset, MemoryLayout<Value>.size)
    var done = 0
    var floats = [Float]()
    try reader.body(count * width, of: "pixels") { piece in
      floats.removeAll(keepingCapacity: true)
      for place in stride(from: 0, to: piece.count, by: width) {
        let value = piece.loadUnaligned(fromByteOffset: place, as: Value.self)
        // A NaN fails both comparisons.
        guard value >= 0 && value <= 1 else {
          let index = done + floats.count
          throw DatasetError(
            part: reader.part, offset: start + index * width,
            "image \(index / imageSize) holds the value \(value); floats must be in [0, 1] (bytes 0…255 are saved as uint8)")
        }
        floats.append(Float(value))
      }
      done += floats.count
      try floats.withUnsafeBytes { try append($0) }
    }
    return PackedArray(kind: .float32, offset: offset, count: count)
  }

  /// - Parameter classes: labels must be below this number.
  func labels<Value: FixedWidthInteger & BitwiseCopyable>(
    _ reader: ByteReader, count: Int, as type: Value.Type, classes: Int
  ) throws -> LabelArray {
    let offset = try align()
    let (start, width) = (reader.offset, MemoryLayout<Value>.size)
    var tally = LabelTally()
    var labels = [UInt16]()
    try reader.body(count * width, of: "labels") { piece in
      labels.removeAll(keepingCapacity: true)
      for place in stride(from: 0, to: piece.count, by: width) {
        let value = piece.loadUnaligned(fromByteOffset: place, as: Value.self)
        guard value >= 0 && value < classes else {
          throw DatasetError(
            part: reader.part, offset: start + tally.count * width,
            "label \(tally.count) is \(value); a label must be in 0…\(classes - 1)")
        }
        tally.add(Int(value))
        labels.append(UInt16(value))
      }
      try labels.withUnsafeBytes { try append($0) }
    }
    return LabelArray(title: reader.part, tally: tally, array: PackedArray(kind: .uint16, offset: offset, count: count))
  }

  /// Writes the footer, which completes the file.
  func finish(_ footer: PackedFooter) throws { try file.append(footer.encoded()) }

  private func append(_ piece: UnsafeRawBufferPointer) throws {
    try check()
    try file.append(piece)
  }

  /// - Returns: the offset at which the next array begins.
  private func align() throws -> Int {
    let rest = file.bytes % PackedDataset.alignment
    if rest > 0 { try file.append([UInt8](repeating: 0, count: PackedDataset.alignment - rest)) }
    return file.bytes
  }
}
