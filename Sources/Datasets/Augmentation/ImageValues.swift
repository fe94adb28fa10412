/// The pixels of one image, `[height, width, channels]`, and what augmentations make of them.
package struct ImageValues: Hashable, Sendable {
  package let height, width, channels: Int
  package var values: [Float]

  package init(height: Int, width: Int, channels: Int, values: [Float]) {
    precondition(values.count == height * width * channels, "\(values.count) values of an image of \(height)×\(width)×\(channels)")
    self.height = height
    self.width = width
    self.channels = channels
    self.values = values
  }

  /// The part of its own size of the image in a border of zeros.
  ///
  /// - Parameters:
  ///   - top: the first row, of those with the border.
  ///   - padding: the width of the border.
  package func cut(top: Int, left: Int, padding: Int) -> ImageValues {
    var cut = ImageValues(height: height, width: width, channels: channels, values: [Float](repeating: 0, count: values.count))
    let (down, right) = (top - padding, left - padding)
    let (first, end) = (max(0, -right), min(width, width - right))
    guard first < end else { return cut }
    let columns = first..<end
    for row in 0..<height where (0..<height).contains(row + down) {
      let target = (row * width + columns.lowerBound) * channels
      let source = ((row + down) * width + columns.lowerBound + right) * channels
      cut.values.replaceSubrange(target..<target + columns.count * channels, with: values[source..<source + columns.count * channels])
    }
    return cut
  }

  /// The left side on the right.
  package var mirrored: ImageValues {
    var mirrored = self
    for pixel in 0..<height * width {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      let (target, source) = (pixel * channels, (row * width + width - 1 - column) * channels)
      for channel in 0..<channels { mirrored.values[target + channel] = values[source + channel] }
    }
    return mirrored
  }

  /// With zeros in the rows and columns from `size / 2` before the given pixel on, `size` of each, as far as there are so many.
  package func blanked(around row: Int, _ column: Int, size: Int) -> ImageValues {
    var blanked = self
    let (rows, columns) = (Self.range(around: row, size, in: height), Self.range(around: column, size, in: width))
    for row in rows {
      let first = (row * width + columns.lowerBound) * channels
      for index in first..<first + columns.count * channels { blanked.values[index] = 0 }
    }
    return blanked
  }

  private static func range(around centre: Int, _ size: Int, in length: Int) -> Range<Int> {
    max(0, centre - size / 2)..<min(length, centre - size / 2 + size)
  }
}
