/// A pixel's row and column in an image; outside it in the border.
package struct Place: Hashable, Sendable {
  package var row, column: Int

  package init(row: Int, column: Int) {
    self.row = row
    self.column = column
  }
}

/// A rectangle out of each of some images: all of one size, each at a place of its own.
struct Patches {
  /// The upper left pixel of each in its image.
  let places: [Place]
  /// `[images, height, width, channels]`
  private(set) var pixels: Tensor

  init(places: [Place], pixels: Tensor) {
    self.places = places
    self.pixels = pixels
  }

  /// - Parameter images: `[images, height, width, channels]`
  init(cutting extent: Extent, at places: [Place], outOf images: Tensor) {
    self.init(places: places, pixels: Tensor(zeros: [images.batch, extent.height, extent.width, images.shape[3]]))
    let whole = Patches(places: places.map { _ in Place(row: 0, column: 0) }, pixels: images)
    change { targets in
      whole.read { sources in
        for row in places.indices { targets[row].copy(from: sources[row]) }
      }
    }
  }

  private var extent: Extent { Extent(height: pixels.shape[1], width: pixels.shape[2]) }

  /// To be read only.
  func read(_ body: (Rectangles) -> Void) {
    pixels.values.withUnsafeBufferPointer { values in
      places.withUnsafeBufferPointer { places in
        guard let start = values.baseAddress else { return }
        body(
          Rectangles(
            pixels: UnsafeMutablePointer(mutating: start), places: places.baseAddress, extent: extent, channels: pixels.shape[3]))
      }
    }
  }

  mutating func change(_ body: (Rectangles) -> Void) {
    let (extent, channels) = (extent, pixels.shape[3])
    pixels.values.withUnsafeMutableBufferPointer { [places] values in
      places.withUnsafeBufferPointer { places in
        guard let start = values.baseAddress else { return }
        body(Rectangles(pixels: start, places: places.baseAddress, extent: extent, channels: channels))
      }
    }
  }
}

/// Rectangles of pixels in memory, one after the other, and where each lies in its image.
struct Rectangles {
  let pixels: UnsafeMutablePointer<Float>
  /// `nil`: the first pixel.
  let places: UnsafePointer<Place>?
  let extent: Extent
  let channels: Int

  subscript(row: Int) -> Rectangle {
    Rectangle(
      pixels: pixels + row * extent.height * extent.width * channels, place: places?[row] ?? Place(row: 0, column: 0), extent: extent,
      channels: channels)
  }
}

/// A rectangle of pixels in memory, row by row, and where it lies in an image.
struct Rectangle {
  let pixels: UnsafeMutablePointer<Float>
  let place: Place
  let extent: Extent
  let channels: Int

  /// Copies the pixels that both have.
  func copy(from other: Rectangle) {
    let rows = overlap(place.row, extent.height, other.place.row, other.extent.height)
    let columns = overlap(place.column, extent.width, other.place.column, other.extent.width)
    guard !columns.isEmpty else { return }
    for row in rows {
      pointer(row, columns.lowerBound).update(from: other.pointer(row, columns.lowerBound), count: columns.count * channels)
    }
  }

  /// The pixel at a row and a column of the image.
  func pointer(_ row: Int, _ column: Int) -> UnsafeMutablePointer<Float> {
    pixels + ((row - place.row) * extent.width + column - place.column) * channels
  }

  private func overlap(_ first: Int, _ count: Int, _ otherFirst: Int, _ otherCount: Int) -> Range<Int> {
    let start = max(first, otherFirst)
    return start..<max(start, min(first + count, otherFirst + otherCount))
  }
}
