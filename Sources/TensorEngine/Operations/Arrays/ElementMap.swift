/// A map that takes elements of one array to places in another, or sums them there. It is linear, and its gradient is the map backwards.
struct ElementMap: Sendable {
  /// Of the loop over all pairs of an element and its place.
  let extents: [Int]
  let source, target: Place
  /// What stands where no element is taken to; `nil` where there is no such place.
  let fill: Float?
  /// What each result is multiplied by.
  let scale: Float

  struct Place: Sendable {
    let offset: Int
    let strides: [Int]
    /// The elements of the whole array.
    let count: Int
  }

  init(_ extents: [Int], from source: Place, to target: Place, fill: Float? = nil, scale: Float = 1) {
    self.extents = extents
    self.source = source
    self.target = target
    self.fill = fill
    self.scale = scale
  }

  /// The gradient of the sources from that of the targets.
  var backwards: ElementMap { ElementMap(extents, from: target, to: source, fill: 0, scale: scale) }

  /// Whether several elements go to one place.
  private var isSum: Bool { zip(extents, target.strides).contains { $0 > 1 && $1 == 0 } }

  /// Carries it out for each example of a micro-batch.
  func emit(_ label: String, _ from: Lowering.BufferID, to: Lowering.BufferID, _ lowering: inout Lowering) {
    let loop = StridedLoop(extents, source.strides, target.strides, target.strides)
    let (examples, isSum) = (lowering.batch, isSum)
    lowering.emit(label, reads: [from], writes: [to]) { [self] memory, _ in
      for example in 0..<examples {
        let (input, output) = (memory[from] + example * source.count, memory[to] + example * target.count)
        if let fill = isSum ? 0 : fill { output.update(repeating: fill, count: target.count) }
        let (read, written, row) = (input + source.offset, output + target.offset, loop.row)
        loop.forEachRow { first, second, _ in
          if isSum {
            for i in 0..<row.count { written[second + i * row.second] += read[first + i * row.first] }
          } else if row.first == 1, row.second == 1 {
            (written + second).update(from: read + first, count: row.count)
          } else {
            for i in 0..<row.count { written[second + i * row.second] = read[first + i * row.first] }
          }
        }
        if scale != 1 { for i in 0..<target.count { output[i] *= scale } }
      }
    }
  }
}

/// An operation that is one map of its input's elements.
protocol ElementMapOperation: Operation {
  /// - Parameters:
  ///   - input: the shape of its input.
  ///   - output: the shape that `outputShape` gave.
  func map(_ input: Shape, _ output: Shape) -> ElementMap
}

extension ElementMapOperation {
  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let source = lowering.value(lowering.input(node))
    let result = lowering.makeValue(node)
    map(lowering.shape(lowering.input(node)), lowering.shape(node)).emit(label, source, to: result, &lowering)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let result = lowering.makeBuffer(like: input)
    map(lowering.shape(input), lowering.shape(node)).backwards.emit(label + " to input", gradient, to: result, &lowering)
    lowering.contribute(result, to: input)
  }
}
