/// The Euclidean projection onto an L1 ball around an example and a box that holds it (Croce and Hein 2021, arXiv:2103.01208, section 2.3).
///
/// Each difference from the centre keeps its sign, is shortened by one λ, at most to 0, and then cut where the box ends. λ is 0 where that is
/// within the ball, and otherwise what makes the sum of lengths its radius.
package struct L1Projection {
  package let radius: Double
  package let range: ClosedRange<Float>

  package init(radius: Double, within range: ClosedRange<Float>) {
    self.radius = radius
    self.range = range
  }

  /// Makes `image` the projection of `centre + difference`.
  ///
  /// A difference that is NaN counts as 0.
  package func set(_ image: UnsafeMutableBufferPointer<Float>, to difference: [Double], around centre: UnsafeBufferPointer<Float>) {
    let lengths = difference.map { $0.isNaN ? 0 : min(abs($0), Double(Float.greatestFiniteMagnitude)) }
    // How far the box lets each value go.
    let rooms = difference.indices.map { index in
      let centre = Double(centre[index])
      return max(difference[index] > 0 ? Double(range.upperBound) - centre : centre - Double(range.lowerBound), 0)
    }
    // Lengths are rounded towards the centre, and so never lead out of the ball; what is left out is what their sum in double precision errs.
    let lambda = shortening(lengths, rooms, to: max(radius - 1e-12 * (1 + radius), 0))
    for index in image.indices {
      let length = min(max(lengths[index] - lambda, 0), rooms[index])
      let moved = Self.moved(centre[index], by: length, up: difference[index] > 0)
      image[index] = min(max(moved, range.lowerBound), range.upperBound)
    }
  }

  /// The value that is nearest to `length` away from `centre`, and not further.
  private static func moved(_ centre: Float, by length: Double, up: Bool) -> Float {
    let from = Double(centre)
    let moved = Float(up ? from + length : from - length)
    guard abs(Double(moved) - from) > length else { return moved }
    return up ? moved.nextDown : moved.nextUp
  }

  /// The λ at which the lengths left come to `radius`; 0 where they do without.
  ///
  /// Their sum falls in straight pieces as λ rises. Newton's step is exact within a piece; one that leaves the interval known to hold the
  /// solution is replaced by its middle.
  private func shortening(_ lengths: [Double], _ rooms: [Double], to radius: Double) -> Double {
    var (lower, upper) = (0.0, lengths.max() ?? 0)
    var lambda = 0.0
    for _ in 0..<200 {
      var (sum, slope) = (0.0, 0.0)
      for index in lengths.indices {
        let left = lengths[index] - lambda
        guard left > 0 else { continue }
        sum += min(left, rooms[index])
        if left <= rooms[index] { slope += 1 }
      }
      if sum > radius { lower = lambda } else { upper = lambda }
      if lambda == 0, sum <= radius { return 0 }
      guard abs(sum - radius) > 1e-13 * (1 + radius) else { break }
      let next = slope > 0 ? lambda + (sum - radius) / slope : upper
      let isWithin = next > lower && next < upper
      let step = isWithin ? next : (lower + upper) / 2
      guard step != lambda else { break }
      lambda = step
    }
    return lambda
  }
}

extension Tensor {
  /// Each example that lies outside an L1 ball around that in `centre`, or outside the box, projected onto both.
  package mutating func projectOntoL1Ball(around centre: Tensor, radius: Double, within range: ClosedRange<Float>) {
    let projection = L1Projection(radius: radius, within: range)
    let stride = stride
    let rows = batch
    values.withUnsafeMutableBufferPointer { x in
      centre.values.withUnsafeBufferPointer { c in
        for row in 0..<rows {
          let image = UnsafeMutableBufferPointer(rebasing: x[row * stride..<(row + 1) * stride])
          let clean = UnsafeBufferPointer(rebasing: c[row * stride..<(row + 1) * stride])
          var (length, isInBox) = (0.0, true)
          for index in 0..<stride {
            length += abs(Double(image[index]) - Double(clean[index]))
            isInBox = isInBox && image[index] >= range.lowerBound && image[index] <= range.upperBound
          }
          // Written so that a NaN is projected.
          if isInBox && length <= radius { continue }
          projection.set(image, to: (0..<stride).map { Double(image[$0]) - Double(clean[$0]) }, around: clean)
        }
      }
    }
  }

  /// The sum of absolute differences of each example from that in `other`; NaN when any difference is.
  package func absoluteDifferences(from other: Tensor) -> [Double] {
    differences(from: other, starting: 0) { sum, difference in sum + Swift.abs(difference) }
  }

  /// Each example replaced by the signs of its `share` largest values (at least one), all others 0, divided by how many they are. A NaN
  /// counts as 0, and so does a zero among them.
  package mutating func keepSignsOfLargest(share: Double) {
    let count = Swift.max(Int((share * Double(stride)).rounded()), 1)
    for row in 0..<batch {
      let magnitudes = self[example: row].map { $0.isNaN ? 0 : Swift.abs($0) }
      let least = Swift.max(magnitudes.sorted(by: >)[count - 1], Float.leastNonzeroMagnitude)
      let kept = magnitudes.count { $0 >= least }
      self[example: row] =
        zip(self[example: row], magnitudes).map { value, magnitude in
          magnitude >= least ? (value < 0 ? -1 : 1) / Float(kept) : 0
        }[...]
    }
  }
}
