import Files

/// Writes the arrays of a data set into a file one after the other, in the format of `PackedDataset`.
///
/// An array is copied in pieces and never held in memory whole.
final class PackedWriter {
  private let file: NewFile
  /// Called for each piece that is read or written.
  let check: () throws -> Void

  /// - Parameters:
  ///   - file: an empty file.
  ///   - check: called for each piece; an error that it throws ends the packing.
  init(_ file: NewFile, check: @escaping () throws -> Void) {
    precondition(file.bytes == 0, "a packed data set is a file of its own")
    self.file = file
    self.check = check
  }

  /// Writes an array in pieces.
  ///
  /// - Parameter fill: gets what appends a piece; together they must be `count` elements.
  func array(_ kind: PackedArray.Kind, count: Int, _ fill: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> PackedArray {
    let offset = try align()
    try fill(append)
    return PackedArray(kind: kind, offset: offset, count: count)
  }

  /// Copies pixels that are bytes.
  func bytes(_ reader: ByteReader, count: Int) throws -> PackedArray {
    try array(.uint8, count: count) { append in try reader.body(count, of: "pixels", append) }
  }

  /// Writes labels that are known to be classes.
  func labels(_ labels: [Int], title: String) throws -> LabelArray {
    var tally = LabelTally()
    for label in labels { tally.add(label) }
    let array = try array(.uint16, count: labels.count) { append in try labels.map(UInt16.init).withUnsafeBytes(append) }
    return LabelArray(title: title, tally: tally, array: array)
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

  /// A file for what is written later than it is read, beside the packed one. It goes with its value.
  func spool(_ name: String) throws -> NewFile { try NewFile(file.url.appendingPathExtension("\(name).spool"), title: "a temporary file") }

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
