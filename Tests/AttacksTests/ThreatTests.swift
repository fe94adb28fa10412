import Attacks
import TensorEngine
import Testing

@Suite("Threats") struct ThreatTests {
  private let shape: Shape = [4, 4, 1]

  @Test("uniform points lie in ball and box", arguments: Norm.allCases) func pointsInBall(norm: Norm) {
    let threat = Threat(norm: norm, epsilon: 0.3)
    let clean = randomImages(64, shape)
    var streams = (0..<64).map { RandomStream(seed: 1, purpose: .attackStart, example: $0) }
    let points = threat.uniformPoints(around: clean, from: &streams)
    #expect(threat.distances(of: points, from: clean).allSatisfy { $0 <= 0.3 + 1e-6 && $0 > 0 })
    #expect(points.values.allSatisfy { (0...1).contains($0) })
  }

  @Test("points in the L2 ball are uniform by volume: (r/ε)^d has the mean ½ of a uniform variable") func uniformByVolume() {
    let threat = Threat(norm: .l2, epsilon: 0.2)
    let clean = Tensor([4000, 1, 3, 1], values: [Float](repeating: 0.5, count: 12000))
    var streams = (0..<4000).map { RandomStream(seed: 2, purpose: .attackStart, example: $0) }
    let radii = threat.distances(of: threat.uniformPoints(around: clean, from: &streams), from: clean)
    let volumes = radii.map { r in (r / 0.2) * (r / 0.2) * (r / 0.2) }
    let mean = volumes.reduce(0, +) / 4000
    let square = volumes.reduce(0) { $0 + $1 * $1 } / 4000
    #expect(abs(mean - 1.0 / 2) < 0.02)
    #expect(abs(square - 1.0 / 3) < 0.02)
  }

  @Test("points in the L1 ball are uniform by volume, and every pixel moves as far as any other on average") func uniformInL1() {
    let threat = Threat(norm: .l1, epsilon: 0.2)
    let clean = Tensor([4000, 1, 3, 1], values: [Float](repeating: 0.5, count: 12000))
    var streams = (0..<4000).map { RandomStream(seed: 2, purpose: .attackStart, example: $0) }
    let points = threat.uniformPoints(around: clean, from: &streams)
    let radii = threat.distances(of: points, from: clean).map { $0 / 0.2 }
    let volumes = radii.map { $0 * $0 * $0 }
    let (mean, square) = (volumes.reduce(0, +) / 4000, volumes.map { $0 * $0 }.reduce(0, +) / 4000)
    #expect(abs(mean - 0.5) < 0.02)
    #expect(abs(square - 1.0 / 3) < 0.02)
    for pixel in 0..<3 {
      let moves = (0..<4000).map { Double(points.values[3 * $0 + pixel] - 0.5) }
      let (shift, length) = (moves.reduce(0, +) / 4000, moves.map(abs).reduce(0, +) / 4000)
      #expect(abs(shift) < 0.003)
      // A third of the radius's mean, ε·3/4.
      #expect(abs(length - 0.05) < 0.002)
    }
  }

  @Test("points in the L∞ ball have uniform coordinates") func uniformByCoordinate() {
    let threat = Threat(norm: .linf, epsilon: 0.2)
    let clean = Tensor([1000, 1, 4, 1], values: [Float](repeating: 0.5, count: 4000))
    var streams = (0..<1000).map { RandomStream(seed: 2, purpose: .attackStart, example: $0) }
    let moved = threat.uniformPoints(around: clean, from: &streams).values.map { Double($0 - 0.5) / 0.2 }
    #expect(abs(moved.reduce(0, +) / 4000) < 0.03)
    #expect(abs(moved.reduce(0) { $0 + $1 * $1 } / 4000 - 1.0 / 3) < 0.02)
  }

  @Test("projecting twice is projecting once, and a point inside stays", arguments: Norm.allCases) func projects(norm: Norm) {
    let threat = Threat(norm: norm, epsilon: 0.25)
    let clean = randomImages(16, shape)
    var far = randomImages(16, shape, in: -2...3, seed: 9)
    threat.project(&far, around: clean)
    #expect(threat.distances(of: far, from: clean).allSatisfy { $0 <= 0.25 + 1e-6 })
    #expect(far.values.allSatisfy { (0...1).contains($0) })
    var again = far
    threat.project(&again, around: clean)
    #expect(zip(again.values, far.values).allSatisfy { abs($0 - $1) < 1e-6 })
    var inside = clean
    threat.project(&inside, around: clean)
    #expect(inside == clean)
  }

  @Test("a step is the direction, its length and the projection, one after the other", arguments: [Norm.linf, .l2])
  func ascends(norm: Norm) {
    let threat = Threat(norm: norm, epsilon: 0.25)
    let clean = randomImages(3, [5, 7, 1])
    var gradient = randomImages(3, [5, 7, 1], in: -1...1, seed: 4)
    for (index, value) in [Float.nan, 0, -0.0, .infinity, -.infinity].enumerated() { gradient.values[7 * index] = value }
    var expected = randomImages(3, [5, 7, 1], in: -1...2, seed: 5)
    expected.values[3] = .nan
    var stepped = expected
    var direction = gradient
    threat.direct(&direction)
    expected.add(0.125, times: direction)
    threat.project(&expected, around: clean)
    threat.ascend(&stepped, along: &gradient, by: 0.125, around: clean)
    #expect(stepped == expected)
    #expect(stepped.values.allSatisfy { (0...1).contains($0) })
  }
}
