import TensorEngine

/// One part of a data set: its images and their classes, by index.
package struct Split: Sendable {
  /// `[height, width, channels]` or `[features]`.
  package let imageShape: Shape
  /// The class of each image.
  package let labels: [Int]
  private let pixels: Pixels

  package init(imageShape: Shape, pixels: Pixels, labels: [Int]) {
    precondition(
      pixels.count == labels.count * imageShape.count,
      "\(labels.count) images of shape \(imageShape) are \(labels.count * imageShape.count) values, not \(pixels.count)")
    self.imageShape = imageShape
    self.pixels = pixels
    self.labels = labels
  }

  package var count: Int { labels.count }
  package var memoryBytes: Int { pixels.memoryBytes + labels.count * MemoryLayout<Int>.stride }

  /// The images at `indices`, in that order: `[indices.count] + imageShape`, every value in [0, 1].
  package func images(at indices: some Collection<Int>) -> Tensor {
    let stride = imageShape.count
    let values = [Float](unsafeUninitializedCapacity: indices.count * stride) { buffer, initialized in
      for index in indices {
        precondition(labels.indices.contains(index), "image \(index) of \(count)")
        pixels.copy(index * stride..<(index + 1) * stride, to: UnsafeMutableBufferPointer(rebasing: buffer[initialized...]))
        initialized += stride
      }
    }
    return Tensor(imageShape.batched(indices.count), values: values)
  }

  /// The classes of the images at `indices`, in that order.
  package func labels(at indices: some Collection<Int>) -> [Int] { indices.map { labels[$0] } }

  /// How many images each class has.
  package func countsPerClass(_ classes: Int) -> [Int] {
    labels.reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
  }
}
