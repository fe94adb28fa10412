/// An image as a row of features in PyTorch's order, channel by channel: `[height, width, channels]` → `[channels · height · width]`.
package struct Flatten: Operation {
  package let label = "flatten"
  package init() {}
  package func outputShape(of inputs: [Shape]) throws -> Shape { [inputs[0].count] }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let image = lowering.shape(lowering.input(node))
    // The linear layer after it may read the image's order itself; see `Lowering.isFolded`.
    guard Self.reorders(image), !lowering.isFolded(node) else { return lowering.passThrough(node) }
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let examples = lowering.batch
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in
      Self.transpose(memory[source], memory[result], rows: image[0] * image[1], columns: image[2], examples: examples)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let image = lowering.shape(input)
    guard Self.reorders(image), !lowering.isFolded(node) else {
      // The gradient of the input is the same buffer: where the linear layer's kernel has masked it, the ReLU before must not do so again.
      if lowering.isMasked(node) { lowering.markMasked(input) }
      return lowering.contribute(gradient, to: input)
    }
    let result = lowering.makeBuffer(like: input)
    let examples = lowering.batch
    lowering.emit("flatten to input", reads: [gradient], writes: [result]) { memory, _ in
      Self.transpose(memory[gradient], memory[result], rows: image[2], columns: image[0] * image[1], examples: examples)
    }
    lowering.contribute(result, to: input)
  }

  /// Channels-last and channel by channel are the same when there is one channel or one pixel.
  static func reorders(_ image: Shape) -> Bool { image.rank == 3 && image[2] > 1 && image[0] * image[1] > 1 }

  /// Transposes each example, `[rows, columns]` → `[columns, rows]`.
  private static func transpose(
    _ source: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>, rows: Int, columns: Int, examples: Int
  ) {
    for example in 0..<examples {
      let (from, to) = (source + example * rows * columns, target + example * rows * columns)
      for column in 0..<columns {
        for row in 0..<rows { to[column * rows + row] = from[row * columns + column] }
      }
    }
  }
}
