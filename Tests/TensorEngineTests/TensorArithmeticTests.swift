import TensorEngine
import Testing

@Suite("Elementwise arithmetic") struct TensorArithmeticTests {
  /// Values of a stream, `[batch, count]`.
  private func random(_ batch: Int, _ count: Int, round: Int) -> Tensor {
    var stream = RandomStream(seed: 3, purpose: .noise, round: round)
    return Tensor([batch, count], values: (0..<batch * count).map { _ in stream.uniform(-1, 1) })
  }

  @Test("adding a scaled tensor equals the sum value by value, on a length that no vector divides") func addsScaled() {
    let x = random(3, 13, round: 0)
    let y = random(3, 13, round: 1)
    var sum = x
    sum.add(0.25, times: y)
    for index in x.values.indices {
      #expect(abs(Double(sum.values[index]) - (Double(x.values[index]) + 0.25 * Double(y.values[index]))) < 1e-7)
    }
  }

  @Test("a sign is −1, 0 or 1, and 0 for NaN") func signs() {
    var x = Tensor([1, 6], values: [-2, 0, .leastNonzeroMagnitude, .nan, .infinity, -.infinity])
    x.replaceBySigns()
    #expect(x.values == [-1, 0, 1, 0, 1, -1])
  }

  @Test("normalised examples have length one, zero and NaN ones become zero, tiny and huge ones keep their direction")
  func normalises() {
    var x = Tensor(
      [6, 5],
      values: [
        3, 4, 0, 0, 0,  //
        0, 0, 0, 0, 0,  //
        .nan, .nan, .nan, .nan, .nan,  //
        3e-30, -4e-30, 0, 0, 0,  //
        3e30, 4e30, 0, 0, 0,  //
        .infinity, 1, 0, 0, -.infinity,
      ])
    x.normaliseExamples()
    let half = Float(0.5).squareRoot()
    let expected: [Float] = [
      0.6, 0.8, 0, 0, 0,  //
      0, 0, 0, 0, 0,  //
      0, 0, 0, 0, 0,  //
      0.6, -0.8, 0, 0, 0,  //
      0.6, 0.8, 0, 0, 0,  //
      half, 0, 0, 0, -half,
    ]
    for index in expected.indices { #expect(abs(x.values[index] - expected[index]) < 1e-6, "value \(index)") }
  }

  @Test("the largest difference of each example is found wherever it is, and is NaN where any is", arguments: [1, 7, 8, 19])
  func largestDifferences(_ count: Int) {
    let still = Tensor(zeros: [count, count])
    var moved = still
    // Of example i the largest is at i: below 0 for every other one.
    for row in 0..<count {
      for column in 0..<count { moved.values[row * count + column] = column == row ? (row.isMultiple(of: 2) ? 2 : -2) : 1 }
    }
    #expect(moved.largestDifferences(from: still) == [Double](repeating: 2, count: count))
    for row in 0..<count { moved.values[row * count + row] = .infinity }
    #expect(moved.largestDifferences(from: still) == [Double](repeating: .infinity, count: count))
    for row in 0..<count { moved.values[row * count + row] = .nan }
    #expect(moved.largestDifferences(from: still).allSatisfy { $0.isNaN })
  }

  @Test("clamping keeps what is in range, cuts the rest and turns NaN into the lower bound") func clamps() {
    var x = Tensor([1, 4], values: [-1, 0.5, 2, .nan])
    x.clamp(to: 0...1)
    #expect(x.values == [0, 0.5, 1, 0])
  }

  @Test("clamping around a centre respects ball and box") func clampsAround() {
    var x = Tensor([1, 5], values: [0.9, 0.1, 0.5, 1.2, .nan])
    x.clamp(around: Tensor([1, 5], values: [0.5, 0.5, 0.5, 0.95, 0.5]), by: 0.25, within: 0...1)
    #expect(x.values == [0.75, 0.25, 0.5, 1, 0.25])
  }

  @Test("shrinking leaves what is inside alone and puts the rest on the sphere, in the same direction") func shrinks() {
    let centre = Tensor([3, 2], values: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    var x = Tensor([3, 2], values: [0.6, 0.5, 0.8, 0.9, .nan, 0.9])
    x.shrink(around: centre, to: 0.25, within: 0...1)
    let expected: [Float] = [0.6, 0.5, 0.65, 0.7, 0.5, 0.5]
    for index in expected.indices { #expect(abs(x.values[index] - expected[index]) < 1e-6, "value \(index)") }
  }

  @Test("distances agree with sums in double precision, and are NaN where a value is") func distances() {
    let x = random(4, 17, round: 2)
    var y = random(4, 17, round: 3)
    y.values[2 * 17 + 5] = .nan
    let euclidean = y.euclideanDistances(from: x)
    let largest = y.largestDifferences(from: x)
    for row in [0, 1, 3] {
      let differences = zip(x[example: row], y[example: row]).map { Double($1) - Double($0) }
      #expect(abs(euclidean[row] - differences.reduce(0) { $0 + $1 * $1 }.squareRoot()) < 1e-12)
      #expect(largest[row] == differences.map(abs).max())
    }
    #expect(euclidean[2].isNaN && largest[2].isNaN)
  }
}
