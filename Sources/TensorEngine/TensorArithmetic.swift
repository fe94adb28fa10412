import CKernels

/// The elementwise loops of attacks: in place, one pass over memory, nothing allocated, written so that the compiler vectorises them or as a kernel.
///
/// None of them lets a NaN through: a sign of NaN is 0, and clamping NaN gives the lower bound.
extension Tensor {
  /// `self += scale · other`, elementwise; both of one shape.
  package mutating func add(_ scale: Float, times other: Tensor) {
    requireSameShape(other)
    values.withUnsafeMutableBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        for index in 0..<x.count { x[index] += scale * y[index] }
      }
    }
  }

  /// Each value by its sign: −1, 0 or 1; 0 for NaN.
  package mutating func replaceBySigns() {
    values.withUnsafeMutableBufferPointer { x in
      for index in 0..<x.count {
        let value = x[index]
        x[index] = (value > 0 ? 1 : 0) - (value < 0 ? 1 : 0)
      }
    }
  }

  /// One step of `step` along the signs of `gradient`, then the projection onto an L∞ ball around `centre` and a box, in one pass.
  package mutating func ascend(
    alongSignsOf gradient: Tensor, by step: Float, around centre: Tensor, radius: Float, within range: ClosedRange<Float>
  ) {
    requireSameShape(gradient)
    requireSameShape(centre)
    values.withUnsafeMutableBufferPointer { x in
      gradient.values.withUnsafeBufferPointer { g in
        centre.values.withUnsafeBufferPointer { c in
          kernels.ascend_signs(
            x.baseAddress, g.baseAddress, c.baseAddress, step, radius, range.lowerBound, range.upperBound, Int64(x.count))
        }
      }
    }
  }

  /// Each example divided by its Euclidean norm; one whose values are all zero or NaN becomes zero.
  ///
  /// An infinite value counts as the largest finite one, so that the direction is still that of the infinite coordinates. The norm
  /// is taken in `Double`, where no square of a `Float` overflows or vanishes: gradients of 1e-30 still have a direction.
  package mutating func normaliseExamples() {
    let stride = stride
    let rows = batch
    values.withUnsafeMutableBufferPointer { x in
      for row in 0..<rows {
        let example = UnsafeMutableBufferPointer(rebasing: x[row * stride..<(row + 1) * stride])
        for index in 0..<stride {
          let value = example[index]
          let bounded = value == value ? value : 0
          example[index] = Swift.min(Swift.max(bounded, -Float.greatestFiniteMagnitude), Float.greatestFiniteMagnitude)
        }
        let norm = sumOfSquares(UnsafeBufferPointer(example)).squareRoot()
        let inverse = norm > 0 ? 1 / norm : 0
        for index in 0..<stride { example[index] = Float(Double(example[index]) * inverse) }
      }
    }
  }

  /// Each value brought into `range`.
  package mutating func clamp(to range: ClosedRange<Float>) {
    let low = range.lowerBound
    let high = range.upperBound
    values.withUnsafeMutableBufferPointer { x in
      for index in 0..<x.count {
        let raised = x[index] > low ? x[index] : low
        x[index] = raised < high ? raised : high
      }
    }
  }

  /// Each value brought to within `radius` of the one in `centre`, then into `range`: the projection onto an L∞ ball and a box.
  package mutating func clamp(around centre: Tensor, by radius: Float, within range: ClosedRange<Float>) {
    requireSameShape(centre)
    let low = range.lowerBound
    let high = range.upperBound
    values.withUnsafeMutableBufferPointer { x in
      centre.values.withUnsafeBufferPointer { c in
        for index in 0..<x.count {
          let below = c[index] - radius
          let above = c[index] + radius
          let floor = below > low ? below : low
          let ceiling = above < high ? above : high
          let raised = x[index] > floor ? x[index] : floor
          x[index] = raised < ceiling ? raised : ceiling
        }
      }
    }
  }

  /// Each example whose Euclidean distance from that in `centre` exceeds `radius` drawn back along the line between them to `radius`,
  /// then each value brought into `range`: the projection onto an L2 ball, then a box (which, for a centre in the box, only shortens).
  package mutating func shrink(around centre: Tensor, to radius: Double, within range: ClosedRange<Float>) {
    requireSameShape(centre)
    let stride = stride
    let rows = batch
    values.withUnsafeMutableBufferPointer { x in
      centre.values.withUnsafeBufferPointer { c in
        for row in 0..<rows {
          let base = row * stride
          var squares = 0.0
          for index in base..<base + stride {
            let difference = Double(x[index] - c[index])
            squares += difference * difference
          }
          let distance = squares.squareRoot()
          guard !(distance <= radius) else { continue }
          // A distance that is no number has no direction to keep: back to the centre.
          let factor = distance.isFinite ? Float(radius / distance) : 0
          for index in base..<base + stride { x[index] = factor == 0 ? c[index] : c[index] + factor * (x[index] - c[index]) }
        }
      }
    }
    clamp(to: range)
  }

  /// The largest absolute difference of each example from that in `other`; NaN when any difference is.
  package func largestDifferences(from other: Tensor) -> [Double] {
    requireSameShape(other)
    let stride = stride
    return values.withUnsafeBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        (0..<batch).map { row in
          largestDifference(
            UnsafeBufferPointer(rebasing: x[row * stride..<(row + 1) * stride]),
            UnsafeBufferPointer(rebasing: y[row * stride..<(row + 1) * stride]))
        }
      }
    }
  }

  /// The Euclidean distance of each example from that in `other`; NaN when any difference is.
  package func euclideanDistances(from other: Tensor) -> [Double] {
    differences(from: other, starting: 0) { sum, difference in sum + difference * difference }.map { $0.squareRoot() }
  }

  func differences(from other: Tensor, starting: Double, _ fold: (Double, Double) -> Double) -> [Double] {
    requireSameShape(other)
    let stride = stride
    return values.withUnsafeBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        (0..<batch).map { row in
          (row * stride..<(row + 1) * stride).reduce(starting) { fold($0, Double(x[$1]) - Double(y[$1])) }
        }
      }
    }
  }

  private func requireSameShape(_ other: Tensor) {
    precondition(shape == other.shape, "elementwise arithmetic takes tensors of one shape, not \(shape) and \(other.shape)")
  }
}

/// In eights: a single largest number would wait for each comparison in turn.
private func largestDifference(_ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>) -> Double {
  var largest = SIMD8<Double>.zero
  // The differences that are no numbers: with one of them the sum is none either.
  var broken = SIMD8<Double>.zero
  func take(_ difference: SIMD8<Double>) {
    broken.replace(with: difference, where: difference .!= difference)
    let size = difference.replacing(with: -difference, where: difference .< 0)
    largest.replace(with: size, where: size .> largest)
  }
  let whole = x.count / 8 * 8
  for first in stride(from: 0, to: whole, by: 8) { take(eight(x, first) - eight(y, first)) }
  for index in whole..<x.count {
    var difference = SIMD8<Double>.zero
    difference[0] = Double(x[index]) - Double(y[index])
    take(difference)
  }
  return broken.sum().isNaN ? .nan : largest.max()
}

private func eight(_ p: UnsafeBufferPointer<Float>, _ i: Int) -> SIMD8<Double> {
  SIMD8(SIMD8<Float>(p[i], p[i + 1], p[i + 2], p[i + 3], p[i + 4], p[i + 5], p[i + 6], p[i + 7]))
}

/// In four sums, because one sum would wait for each addition in turn.
private func sumOfSquares(_ values: UnsafeBufferPointer<Float>) -> Double {
  var sums = (0.0, 0.0, 0.0, 0.0)
  var index = 0
  while index + 4 <= values.count {
    sums.0 += Double(values[index]) * Double(values[index])
    sums.1 += Double(values[index + 1]) * Double(values[index + 1])
    sums.2 += Double(values[index + 2]) * Double(values[index + 2])
    sums.3 += Double(values[index + 3]) * Double(values[index + 3])
    index += 4
  }
  while index < values.count {
    sums.0 += Double(values[index]) * Double(values[index])
    index += 1
  }
  return sums.0 + sums.1 + (sums.2 + sums.3)
}
