/// The median of the window around each pixel, each channel by itself, with a mirrored border, as scipy.ndimage.median_filter: the spatial
/// smoothing of Xu et al. 2018, arXiv:1704.01155.
package struct MedianFilter: Operation {
  package let label = "median"
  /// Rows and columns of the window, odd.
  package let size: Int

  package init(size: Int) { self.size = size }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    try requireImage(inputs[0])
    guard size > 1, size % 2 == 1 else { throw GraphError("a median filter needs a window of odd size above 1, not \(size)") }
    return inputs[0]
  }

  /// Comparisons, two operations each: the smaller and the larger one.
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int {
    2 * SortingNetwork(medianOf: size * size).comparisons.count * output.count
  }

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .unknown }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let windows = MedianWindows(lowering.shape(node), size: size)
    let padded = lowering.makeBuffer(bytes: windows.paddedCount * MemoryLayout<Float>.size)
    let examples = lowering.batch
    lowering.emit(label, reads: [source], writes: [result, padded]) { memory, _ in
      for example in 0..<examples {
        let at = example * windows.count
        windows.medians(of: memory[source] + at, to: memory[result] + at, padded: memory[padded])
      }
    }
  }

  /// To the pixel that was selected; where several have its value, to the one in the middle if that is among them, else to the first.
  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let (source, medians, result) = (lowering.value(input), lowering.value(node), lowering.makeBuffer(like: input))
    let windows = MedianWindows(lowering.shape(node), size: size)
    let examples = lowering.batch
    lowering.emit(label + " to input", reads: [gradient, source, medians], writes: [result]) { memory, _ in
      for example in 0..<examples {
        let at = example * windows.count
        windows.distribute(memory[gradient] + at, selected: memory[medians] + at, of: memory[source] + at, to: memory[result] + at)
      }
    }
    lowering.contribute(result, to: input)
  }
}

/// The windows of a median filter over one image.
private struct MedianWindows: Sendable {
  private let border: ReflectedBorder
  private let network: SortingNetwork
  private let size, height, width, channels: Int
  private static let lanes = SIMD8<Float>.scalarCount

  init(_ image: Shape, size: Int) {
    border = ReflectedBorder(image, radius: size / 2)
    network = SortingNetwork(medianOf: size * size)
    self.size = size
    (height, width, channels) = (image[0], image[1], image[2])
  }

  /// The floats of an image.
  var count: Int { height * width * channels }
  /// Those of one with its border, and of the lanes that are read beyond its end.
  var paddedCount: Int { border.rows.count * border.rowCount + Self.lanes }

  func medians(of image: UnsafeMutablePointer<Float>, to result: UnsafeMutablePointer<Float>, padded: UnsafeMutablePointer<Float>) {
    let rowCount = width * channels
    for (position, row) in border.rows.enumerated() { border.fill(padded + position * border.rowCount, from: image + row * rowCount) }
    let offsets = (0..<size * size).map { $0 / size * border.rowCount + $0 % size * channels }
    withUnsafeTemporaryAllocation(of: SIMD8<Float>.self, capacity: offsets.count) { buffer in
      guard let values = buffer.baseAddress else { return }
      for row in 0..<height {
        let (corner, target) = (padded + row * border.rowCount, result + row * rowCount)
        for at in stride(from: 0, to: rowCount, by: Self.lanes) {
          for (index, offset) in offsets.enumerated() {
            values[index] = UnsafeRawPointer(corner + at + offset).loadUnaligned(as: SIMD8<Float>.self)
          }
          network.sort(values)
          let medians = values[offsets.count / 2]
          for lane in 0..<min(Self.lanes, rowCount - at) { target[at + lane] = medians[lane] }
        }
      }
    }
  }

  func distribute(
    _ gradient: UnsafeMutablePointer<Float>, selected medians: UnsafeMutablePointer<Float>, of image: UnsafeMutablePointer<Float>,
    to result: UnsafeMutablePointer<Float>
  ) {
    result.update(repeating: 0, count: count)
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          let pixel = (row * width + column) * channels + channel
          let isItself = image[pixel] == medians[pixel]
          result[isItself ? pixel : source(of: medians[pixel], row, column, channel, in: image)] += gradient[pixel]
        }
      }
    }
  }

  /// The first pixel of a window with this value; the middle one where none has it, as when it is NaN.
  private func source(
    of median: Float, _ row: Int, _ column: Int, _ channel: Int, in image: UnsafeMutablePointer<Float>
  ) -> Int {
    for y in row..<row + size {
      for x in column..<column + size {
        let pixel = (border.rows[y] * width + border.columns[x]) * channels + channel
        if image[pixel] == median { return pixel }
      }
    }
    return (row * width + column) * channels + channel
  }
}
