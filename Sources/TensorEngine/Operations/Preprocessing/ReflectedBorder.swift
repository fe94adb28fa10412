/// An image mirrored at its edges, which are repeated: d c b a | a b c d | d c b a, as scipy.ndimage's mode `reflect`.
package struct ReflectedBorder: Sendable {
  /// The row and the column of the image behind each row and column of the wider one, `extent + 2 · radius`.
  let rows, columns: [Int]
  let channels: Int

  init(_ image: Shape, radius: Int) {
    func indices(_ extent: Int) -> [Int] { (-radius..<extent + radius).map { Self.reflected($0, extent) } }
    rows = indices(image[0])
    columns = indices(image[1])
    channels = image[2]
  }

  /// The floats of a row of the wider image.
  var rowCount: Int { columns.count * channels }

  /// Widens one row of the image.
  func fill(_ target: UnsafeMutablePointer<Float>, from row: UnsafePointer<Float>) {
    for (position, column) in columns.enumerated() {
      for channel in 0..<channels { target[position * channels + channel] = row[column * channels + channel] }
    }
  }

  /// A row repeats after twice its extent: once forwards, once backwards.
  package static func reflected(_ index: Int, _ extent: Int) -> Int {
    let place = ((index % (2 * extent)) + 2 * extent) % (2 * extent)
    return place < extent ? place : 2 * extent - 1 - place
  }
}

extension Operation {
  /// - Throws: for anything but an image.
  func requireImage(_ shape: Shape) throws {
    guard shape.rank == 3 else { throw GraphError("\(label) needs an image [height, width, channels], but its input is \(shape)") }
  }
}
