/// A dense array of `Float` with a shape, row-major: what crosses the border between the engine and everything above it.
///
/// A value like `Array`: copies share storage until one is written to, so a loop that updates a tensor in place does not allocate.
package struct Tensor: Sendable, Equatable {
  package let shape: Shape
  package var values: [Float]

  package init(_ shape: Shape, values: [Float]) {
    precondition(values.count == shape.count, "a tensor of shape \(shape) takes \(shape.count) values, not \(values.count)")
    self.shape = shape
    self.values = values
  }

  package init(zeros shape: Shape) { self.init(shape, values: [Float](repeating: 0, count: shape.count)) }

  /// The number of examples: the first dimension.
  package var batch: Int { shape[0] }
  /// The number of values of one example.
  package var stride: Int { shape.example.count }

  /// The values of one example.
  package subscript(example index: Int) -> ArraySlice<Float> {
    get { values[index * stride..<(index + 1) * stride] }
    set { values.replaceSubrange(index * stride..<(index + 1) * stride, with: newValue) }
  }

  /// Puts examples in the place of those at `rows`.
  package mutating func replace(_ rows: Range<Int>, with examples: Tensor) {
    values.replaceSubrange(rows.lowerBound * stride..<rows.upperBound * stride, with: examples.values)
  }

  /// The examples at `indices`, in that order: `[indices.count] + shape.example`.
  package func gathered(_ indices: some Collection<Int>) -> Tensor {
    var gathered = [Float]()
    gathered.reserveCapacity(indices.count * stride)
    for index in indices { gathered += self[example: index] }
    return Tensor(shape.example.batched(indices.count), values: gathered)
  }

  /// The position of the largest value of each example (the first of equals): the predicted classes, for logits `[batch, classes]`.
  package func argmax() -> [Int] {
    let stride = stride
    return values.withUnsafeBufferPointer { values in
      (0..<batch).map { row in
        let first = row * stride
        var best = first
        for index in first..<first + stride where values[index] > values[best] { best = index }
        return best - first
      }
    }
  }
}
