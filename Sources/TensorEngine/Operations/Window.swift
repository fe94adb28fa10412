/// A number for each direction of an image.
package struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral {
  package let height, width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The same for both.
  package init(_ both: Int) { self.init(height: both, width: both) }
  package init(integerLiteral value: Int) { self.init(value) }

  /// The number that holds for both, if there is one.
  package var both: Int? { height == width ? height : nil }
}

/// How a kernel slides over an image.
package struct Window: Hashable, Sendable {
  package let size, stride, padding: Extent
  /// Pixels from one value of the window to the next.
  package let dilation: Extent

  package init(_ size: Extent, stride: Extent = 1, padding: Extent = 0, dilation: Extent = 1) {
    self.size = size
    self.stride = stride
    self.padding = padding
    // There is nothing between the values of a single row or column.
    self.dilation = Extent(height: size.height == 1 ? 1 : dilation.height, width: size.width == 1 ? 1 : dilation.width)
  }

  /// A square window.
  package init(_ size: Int, stride: Int = 1, padding: Int = 0) {
    self.init(Extent(size), stride: Extent(stride), padding: Extent(padding))
  }

  package var height: Int { size.height }
  package var width: Int { size.width }

  /// Whether its values are apart: kernels of our own read windows without gaps.
  package var isDilated: Bool { dilation != 1 }
  /// The pixels that it reaches over.
  var reach: Extent { Extent(height: (height - 1) * dilation.height + 1, width: (width - 1) * dilation.width + 1) }

  /// Size, stride and padding where they are the same in both directions, as kernels of our own need them.
  var square: (size: Int, stride: Int, padding: Int)? {
    guard !isDilated, let size = size.both, let stride = stride.both, let padding = padding.both else { return nil }
    return (size, stride, padding)
  }

  /// The output's height and width: ⌊(extent + 2 padding − dilation (size − 1) − 1) / stride⌋ + 1, as in PyTorch.
  func output(_ image: Shape, of label: String) throws -> (height: Int, width: Int) {
    guard image.rank == 3 else {
      throw GraphError("\(label) needs an image [height, width, channels], but its input is \(image)")
    }
    guard min(height, width, stride.height, stride.width, dilation.height, dilation.width) > 0, min(padding.height, padding.width) >= 0
    else {
      throw GraphError("\(label) needs a size, a stride and a dilation of at least 1 and a padding of at least 0")
    }
    let reach = reach
    let (tall, wide) = (image[0] + 2 * padding.height - reach.height, image[1] + 2 * padding.width - reach.width)
    guard tall >= 0, wide >= 0 else {
      throw GraphError(
        "\(label) of \(height)×\(width) with padding \(padding.both.map(String.init) ?? "\(padding.height)×\(padding.width)") does not fit "
          + "an input of \(image[0])×\(image[1])")
    }
    return (tall / stride.height + 1, wide / stride.width + 1)
  }
}
