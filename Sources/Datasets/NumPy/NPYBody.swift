import Files

/// The elements of an array that follow its header.
struct NPYBody {
  let header: NPYHeader
  let element: NPYElement
  let reader: ByteReader
  /// Where the first element stands, in bytes of the part.
  let start: Int

  /// - Parameter reader: behind the header.
  init(header: NPYHeader, element: NPYElement, reader: ByteReader) {
    self.header = header
    self.element = element
    self.reader = reader
    start = reader.offset
  }

  /// An array in Fortran order is held in memory to be put into C's, so there is a limit to it.
  private static let longestInFortranOrder = 1 << 30

  var count: Int { header.dimensions.reduce(1, *) }

  /// Passes the elements to `take` in C order, the last dimension first, in pieces of whole elements.
  func forEachPiece(of what: String, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    let bytes = count * element.width
    guard header.isInFortranOrder else {
      // A piece is a multiple of 16 bytes; texts may be of any length.
      var rest: [UInt8] = []
      return try reader.body(bytes, of: what) { piece in
        guard piece.count % element.width != 0 || !rest.isEmpty else { return try take(piece) }
        rest.append(contentsOf: piece)
        let whole = rest.count - rest.count % element.width
        try rest.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[..<whole])) }
        rest.removeFirst(whole)
      }
    }
    guard bytes <= Self.longestInFortranOrder else {
      throw DatasetError(
        part: reader.part, "the array is in Fortran order and has \(bytes) bytes; save numpy.ascontiguousarray of one as large as this")
    }
    var stored: [UInt8] = []
    stored.reserveCapacity(bytes)
    try reader.body(bytes, of: what) { stored.append(contentsOf: $0) }
    try inCOrder(stored, take)
  }

  private func inCOrder(_ stored: [UInt8], _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    let dimensions = header.dimensions
    // In bytes; the first dimension is the innermost.
    let strides = dimensions.indices.map { dimensions[..<$0].reduce(element.width, *) }
    var position = [Int](repeating: 0, count: dimensions.count)
    var piece: [UInt8] = []
    for done in 1...count {
      let start = zip(position, strides).reduce(0) { $0 + $1.0 * $1.1 }
      piece.append(contentsOf: stored[start..<start + element.width])
      if done == count || piece.count >= 1 << 18 {
        try piece.withUnsafeBytes(take)
        piece.removeAll(keepingCapacity: true)
      }
      var axis = dimensions.count - 1
      while axis >= 0 {
        position[axis] += 1
        if position[axis] < dimensions[axis] { break }
        position[axis] = 0
        axis -= 1
      }
    }
  }
}
