/// How a kernel slides over an image, each pair (height, width).
package struct Window: Hashable, Sendable {
  package let height, width: Int
  package let stride: Int
  package let padding: Int

  /// A square window.
  package init(_ size: Int, stride: Int = 1, padding: Int = 0) {
    height = size
    width = size
    self.stride = stride
    self.padding = padding
  }

  /// The output's height and width: ⌊(extent + 2 padding − size) / stride⌋ + 1, as in PyTorch.
  func output(_ image: Shape, of label: String) throws -> (height: Int, width: Int) {
    guard image.rank == 3 else {
      throw GraphError("\(label) needs an image [height, width, channels], but its input is \(image)")
    }
    guard height > 0, width > 0, stride > 0, padding >= 0 else {
      throw GraphError("\(label) needs a size and a stride of at least 1 and a padding of at least 0")
    }
    let (tall, wide) = (image[0] + 2 * padding - height, image[1] + 2 * padding - width)
    guard tall >= 0, wide >= 0 else {
      throw GraphError("\(label) of \(height)×\(width) with padding \(padding) does not fit an input of \(image[0])×\(image[1])")
    }
    return (tall / stride + 1, wide / stride + 1)
  }
}
