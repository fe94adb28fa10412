import TensorEngine

/// The training or the test part of a data set: images and their classes, by index.
package struct Split: Sendable {
  /// `[height, width, channels]` or `[features]`.
  package let imageShape: Shape
  /// The class of each image.
  package let labels: [UInt16]
  private let pixels: Pixels
  /// The index in `pixels` of each image; nil when the split has all of them in order.
  private let selection: [Int]?

  package init(imageShape: Shape, pixels: Pixels, labels: [Int]) {
    self.init(imageShape: imageShape, pixels: pixels, labels: labels.map { UInt16($0) })
  }

  init(imageShape: Shape, pixels: Pixels, labels: [UInt16]) {
    precondition(
      pixels.count == labels.count * imageShape.count,
      "\(labels.count) images of shape \(imageShape) are \(labels.count * imageShape.count) values, not \(pixels.count)")
    self.init(imageShape, pixels, labels, selection: nil)
  }

  private init(_ imageShape: Shape, _ pixels: Pixels, _ labels: [UInt16], selection: [Int]?) {
    self.imageShape = imageShape
    self.labels = labels
    self.pixels = pixels
    self.selection = selection
  }

  /// The images of this split and then those of another, of the same shape. No pixels are copied.
  func followed(by other: Split) -> Split {
    let all = Pixels(pixels, other.pixels)
    let places =
      selection == nil && other.selection == nil ? nil : indices(after: 0) + other.indices(after: pixels.count / imageShape.count)
    return Split(imageShape, all, labels + other.labels, selection: places)
  }

  private func indices(after first: Int) -> [Int] { (selection ?? Array(labels.indices)).map { first + $0 } }

  package var count: Int { labels.count }
  /// The memory that labels, indices and pixels take, in bytes; pixels in a file take none.
  package var memoryBytes: Int { pixelBytes + labels.count * MemoryLayout<UInt16>.size + (selection?.count ?? 0) * MemoryLayout<Int>.size }
  /// The memory that pixels take.
  package var pixelBytes: Int { pixels.memoryBytes }

  /// A split of the images at `indices` alone, in that order. No pixels are copied.
  package func selecting(_ indices: [Int]) -> Split {
    Split(imageShape, pixels, indices.map { labels[$0] }, selection: selection.map { all in indices.map { all[$0] } } ?? indices)
  }

  /// The images at `indices`, in that order: `[indices.count] + imageShape`, every value in [0, 1].
  ///
  /// - Throws: `StorageError` when they lie in a file that cannot be read.
  package func images(at indices: some Collection<Int>) throws -> Tensor {
    let stride = imageShape.count
    let values = try [Float](unsafeUninitializedCapacity: indices.count * stride) { buffer, initialized in
      try forEachRun(of: indices) { run in
        let end = initialized + run.count * stride
        try pixels.copy(
          run.lowerBound * stride..<run.upperBound * stride, to: UnsafeMutableBufferPointer(rebasing: buffer[initialized..<end]))
        initialized = end
      }
    }
    return Tensor(imageShape.batched(indices.count), values: values)
  }

  /// Calls `body` for each run of images that lie one after the other in `pixels`, so that a run is read at once.
  private func forEachRun(of indices: some Collection<Int>, _ body: (Range<Int>) throws -> Void) rethrows {
    var run = 0..<0
    for index in indices {
      precondition(labels.indices.contains(index), "image \(index) of \(count)")
      let place = selection?[index] ?? index
      if run.isEmpty || place != run.upperBound {
        if !run.isEmpty { try body(run) }
        run = place..<place
      }
      run = run.lowerBound..<place + 1
    }
    if !run.isEmpty { try body(run) }
  }

  /// The classes of the images at `indices`, in that order.
  package func labels(at indices: some Collection<Int>) -> [Int] { indices.map { Int(labels[$0]) } }

  /// The number of images of each class.
  package func countsPerClass(_ classes: Int) -> [Int] {
    labels.reduce(into: [Int](repeating: 0, count: classes)) { $0[Int($1)] += 1 }
  }
}
