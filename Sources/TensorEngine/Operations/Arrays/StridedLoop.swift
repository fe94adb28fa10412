/// Nested loops over the elements of up to three arrays, each with a stride of its own for each dimension: 0 where an array is repeated.
///
/// Dimensions that follow one another in memory in all arrays are one loop. Every operation that moves, repeats or pairs elements is such
/// a loop.
struct StridedLoop: Sendable {
  private var extents: [Int] = []
  /// By dimension, one stride for each array.
  private var strides: [(first: Int, second: Int, third: Int)] = []

  /// - Parameter extents: of each dimension, outermost first; the strides have as many.
  init(_ extents: [Int], _ first: [Int], _ second: [Int], _ third: [Int]) {
    for dimension in extents.indices where extents[dimension] != 1 {
      let (extent, stride) = (extents[dimension], (first[dimension], second[dimension], third[dimension]))
      if let outer = strides.last, outer.first == extent * stride.0, outer.second == extent * stride.1, outer.third == extent * stride.2 {
        self.extents[self.extents.count - 1] *= extent
        strides[strides.count - 1] = (stride.0, stride.1, stride.2)
      } else {
        self.extents.append(extent)
        strides.append((stride.0, stride.1, stride.2))
      }
    }
    if self.extents.isEmpty { (self.extents, strides) = ([1], [(1, 1, 1)]) }
  }

  /// The innermost loop: its extent and strides.
  var row: (count: Int, first: Int, second: Int, third: Int) {
    let last = extents.count - 1
    return (extents[last], strides[last].first, strides[last].second, strides[last].third)
  }

  /// Calls `body` for each pass of the innermost loop, with the positions of its first elements.
  func forEachRow(_ body: (_ first: Int, _ second: Int, _ third: Int) -> Void) {
    let outer = extents.count - 1
    guard extents.allSatisfy({ $0 > 0 }) else { return }
    var counters = [Int](repeating: 0, count: outer)
    var (first, second, third) = (0, 0, 0)
    while true {
      body(first, second, third)
      var dimension = outer - 1
      while dimension >= 0 {
        let stride = strides[dimension]
        counters[dimension] += 1
        (first, second, third) = (first + stride.first, second + stride.second, third + stride.third)
        if counters[dimension] < extents[dimension] { break }
        let extent = extents[dimension]
        (first, second, third) = (first - extent * stride.first, second - extent * stride.second, third - extent * stride.third)
        counters[dimension] = 0
        dimension -= 1
      }
      if dimension < 0 { return }
    }
  }
}

extension Shape {
  /// Whether the number of elements is one that can be thought of, and does not overflow.
  var isCountable: Bool {
    var product = 1
    for extent in dimensions {
      let (next, isTooLarge) = product.multipliedReportingOverflow(by: extent)
      guard !isTooLarge, next >= 0, next < 1 << 40 else { return false }
      product = next
    }
    return true
  }

  /// The strides of an array of this shape, row-major.
  var strides: [Int] {
    var (strides, next) = ([Int](repeating: 0, count: rank), 1)
    for dimension in dimensions.indices.reversed() {
      strides[dimension] = next
      next *= dimensions[dimension]
    }
    return strides
  }

  /// The strides of an array of this shape where it is repeated to `target`: 0 along the dimensions that it lacks or has once.
  func strides(repeatedTo target: Shape) -> [Int] {
    let missing = target.rank - rank
    let own = strides
    return target.dimensions.indices.map { $0 < missing || dimensions[$0 - missing] == 1 ? 0 : own[$0 - missing] }
  }

  /// The shape of two arrays paired element by element, each repeated along the dimensions that it has once, as NumPy does; `nil` where
  /// they do not pair.
  package func broadcast(with other: Shape) -> Shape? {
    let rank = max(rank, other.rank)
    func extent(_ shape: Shape, _ dimension: Int) -> Int {
      let own = dimension - (rank - shape.rank)
      return own < 0 ? 1 : shape[own]
    }
    var dimensions: [Int] = []
    for dimension in 0..<rank {
      let (one, two) = (extent(self, dimension), extent(other, dimension))
      guard one == two || one == 1 || two == 1 else { return nil }
      dimensions.append(one == 1 ? two : one)
    }
    return Shape(dimensions)
  }
}
