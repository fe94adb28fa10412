/// An image in another size, each pixel weighed of the four around its place, as PyTorch's `interpolate(mode="bilinear")` without antialiasing.
package struct LinearResize: Operation {
  /// Where a pixel of the result lies in the image.
  package enum Grid: String, CaseIterable, Hashable, Sendable {
    /// Pixels are squares, and both images cover the same: (place + 1/2) / scale − 1/2.
    case halfPixel = "half_pixel"
    /// The middles of the corner pixels lie on each other.
    case alignCorners = "align_corners"
    /// place / scale
    case asymmetric
  }

  package let label = "resize"
  package let height, width: Int
  package let grid: Grid

  package init(height: Int, width: Int, grid: Grid = .halfPixel) {
    self.height = height
    self.width = width
    self.grid = grid
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    try requireImage(inputs[0])
    let resized = Shape([height, width, inputs[0][2]])
    guard (1...65_536).contains(height), (1...65_536).contains(width), resized.isCountable else {
      throw GraphError("an image is resized to 1 to 65536 rows and columns, not \(height) and \(width)")
    }
    return resized
  }

  /// Four products with two factors each, and their sum.
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 8 * output.count }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let (from, to) = (lowering.shape(lowering.input(node)), lowering.shape(node))
    let (corners, channels, examples) = (corners(from), to[2], lowering.batch)
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in
      for example in 0..<examples {
        let (image, target) = (memory[source] + example * from.count, memory[result] + example * to.count)
        corners.forEach { pixel, places, weights in
          for channel in 0..<channels {
            var sum: Float = 0
            for corner in 0..<4 { sum += weights[corner] * image[places[corner] * channels + channel] }
            target[pixel * channels + channel] = sum
          }
        }
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let result = lowering.makeBuffer(like: input)
    let (from, to) = (lowering.shape(input), lowering.shape(node))
    let (corners, channels, examples) = (corners(from), to[2], lowering.batch)
    lowering.emit(label + " to input", reads: [gradient], writes: [result]) { memory, _ in
      for example in 0..<examples {
        let (given, sums) = (memory[gradient] + example * to.count, memory[result] + example * from.count)
        sums.update(repeating: 0, count: from.count)
        corners.forEach { pixel, places, weights in
          for channel in 0..<channels {
            for corner in 0..<4 { sums[places[corner] * channels + channel] += weights[corner] * given[pixel * channels + channel] }
          }
        }
      }
    }
    lowering.contribute(result, to: input)
  }

  private func corners(_ image: Shape) -> Corners {
    Corners(rows: Tap.all(height, of: image[0], grid), columns: Tap.all(width, of: image[1], grid), width: image[1])
  }
}

/// The two pixels that one of the result lies between, along a dimension.
private struct Tap: Sendable {
  let low, high: Int
  /// Of the higher one.
  let share: Float

  static func all(_ count: Int, of extent: Int, _ grid: LinearResize.Grid) -> [Tap] {
    (0..<count).map { place in
      let position = min(max(grid.position(place, count, extent), 0), Double(extent - 1))
      let low = Int(position)
      return Tap(low: low, high: min(low + 1, extent - 1), share: Float(position - Double(low)))
    }
  }
}

extension LinearResize.Grid {
  /// Where a place of `count` lies among `extent`.
  fileprivate func position(_ place: Int, _ count: Int, _ extent: Int) -> Double {
    let (place, step) = (Double(place), Double(extent) / Double(count))
    return switch self {
    case .halfPixel: (place + 0.5) * step - 0.5
    case .alignCorners: count == 1 ? 0 : place * Double(extent - 1) / Double(count - 1)
    case .asymmetric: place * step
    }
  }
}

private struct Corners: Sendable {
  let rows, columns: [Tap]
  /// Of the image.
  let width: Int

  /// Calls `body` for each pixel of the result with the places of its four in the image, and their weights.
  func forEach(_ body: (Int, SIMD4<Int>, SIMD4<Float>) -> Void) {
    for (y, row) in rows.enumerated() {
      for (x, column) in columns.enumerated() {
        let (upper, lower) = (row.low * width, row.high * width)
        body(
          y * columns.count + x, SIMD4(upper + column.low, upper + column.high, lower + column.low, lower + column.high),
          SIMD4(
            (1 - row.share) * (1 - column.share), (1 - row.share) * column.share, row.share * (1 - column.share), row.share * column.share))
      }
    }
  }
}
