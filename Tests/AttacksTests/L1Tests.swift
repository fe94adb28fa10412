import Attacks
import Foundation
import TensorEngine
import Testing

@Suite("Threats in L1") struct L1Tests {
  private let shape: Shape = [3, 4, 1]
  private let threat = Threat(norm: .l1, epsilon: 0.8)

  @Test("the projection is the nearest point of ball and box: no way leads from it that comes nearer") func nearest() {
    let clean = randomImages(24, shape)
    let far = randomImages(24, shape, in: -1...2, seed: 9)
    var projected = far
    threat.project(&projected, around: clean)
    #expect(threat.distances(of: projected, from: clean).allSatisfy { $0 <= 0.8 && $0 > 0.8 - 1e-4 })
    #expect(projected.values.allSatisfy { (0...1).contains($0) })
    // The set is convex: a point is the nearest just when no direction to another of its points has a part along the way that is left.
    func leads(_ row: Int, to other: [Float]) -> Bool {
      var product = 0.0
      for pixel in 0..<12 {
        let here = Double(projected.values[12 * row + pixel])
        product += (Double(other[pixel]) - here) * (Double(far.values[12 * row + pixel]) - here)
      }
      return product > 1e-5
    }
    var streams = (0..<24).map { RandomStream(seed: 1, purpose: .attackStart, example: $0) }
    for _ in 0..<50 {
      let others = threat.uniformPoints(around: clean, from: &streams)
      for row in 0..<24 { #expect(!leads(row, to: Array(others[example: row]))) }
    }
    // So, too, with the corners of the ball: all of epsilon in one pixel, as far as the box goes.
    for row in 0..<24 {
      for pixel in 0..<12 {
        for sign in [Float(-1), 1] {
          var corner = Array(clean[example: row])
          corner[pixel] = min(max(corner[pixel] + sign * 0.8, 0), 1)
          #expect(!leads(row, to: corner))
        }
      }
    }
  }

  @Test("what lies outside of the ball comes to its surface, however it is rounded") func surface() {
    // As an attack meets them: some pixels changed, and a step into some more.
    let (wide, count): (Shape, Int) = ([28, 28, 1], 2_000)
    let clean = randomImages(count, wide, in: -3...1).clamped
    let far = Threat(norm: .l1, epsilon: 10)
    var points = clean
    for row in 0..<count {
      var stream = RandomStream(seed: 4, purpose: .attackStart, example: row)
      for _ in 0..<100 {
        let pixel = min(Int(stream.uniform() * Float(wide.count)), wide.count - 1)
        points.values[row * wide.count + pixel] += stream.uniform(-1, 1)
      }
    }
    let outside = far.distances(of: points.clamped, from: clean).map { $0 > 10 }
    far.project(&points, around: clean)
    let distances = far.distances(of: points, from: clean)
    #expect(distances.allSatisfy { $0 <= 10 })
    #expect(outside.contains(true) && zip(outside, distances).allSatisfy { !$0 || $1 > 10 - 1e-4 })
  }

  @Test("a million pixels that all move a little stay in the ball, rounding or not") func rounding() {
    let wide: Shape = [300, 300, 3]
    let clean = randomImages(1, wide, in: 0.2...0.8)
    var points = clean
    points.add(0.1, times: randomImages(1, wide, in: -1...1, seed: 3))
    let large = Threat(norm: .l1, epsilon: 12)
    large.project(&points, around: clean)
    let distance = large.distances(of: points, from: clean)[0]
    #expect(distance <= 12 && distance > 11.99)
  }

  @Test("a step goes into the largest hundredth of the gradient, and never into a pixel that the box holds") func direction() {
    var gradient = Tensor([1, 20, 20, 1], values: (0..<400).map { Float($0 % 2 == 0 ? $0 : -$0) })
    threat.direct(&gradient)
    let expected = [Float](repeating: 0, count: 396) + [0.25, -0.25, 0.25, -0.25]
    #expect(gradient.values == expected)
    var zero = Tensor(zeros: [1, 20, 20, 1])
    threat.direct(&zero)
    #expect(zero == Tensor(zeros: [1, 20, 20, 1]))
    var broken = Tensor([1, 1, 3, 1], values: [.nan, -.infinity, 1])
    threat.direct(&broken)
    #expect(broken.values == [0, -1, 0])
    // The first pixel is at its wall, so the second goes.
    let clean = Tensor([1, 1, 2, 1], values: [1, 0.5])
    var images = clean
    var slope = Tensor([1, 1, 2, 1], values: [3, 2])
    threat.ascend(&images, along: &slope, by: 0.25, around: clean)
    #expect(images.values == [1, 0.75])
  }

  @Test("auto-PGD searches in balls of three and two epsilon before it comes to its own, and only there may an example fall") func stages()
  {
    let classifier = LinearClassifier(shape, classes: 3, seed: 2)
    let recorder = Recorder(classifier)
    let examples = rightly(randomImages(12, shape), by: classifier)
    let small = Threat(norm: .l1, epsilon: 0.05)
    let settings = AttackSettings(.apgdCE, ["steps": 10])
    let result = settings.adversary(for: small, keep: .firstMisclassified).run(examples, of: recorder)
    #expect(!result.breaches.contains(true))
    // Three steps, and three again.
    #expect(recorder.asked.prefix(7).allSatisfy { $0.batch == 12 })
    let distances = recorder.asked.prefix(7).map { small.distances(of: $0, from: examples.images).max() ?? 0 }
    #expect(distances.prefix(3).allSatisfy { $0 <= 0.15 + 1e-6 && $0 > 0.1 })
    #expect(distances[3..<6].allSatisfy { $0 <= 0.1 + 1e-6 && $0 > 0.05 })
    #expect(distances[6] <= 0.05 + 1e-6)
    #expect(settings.cost(in: .l1) == AttackCost(gradientEvaluations: 10, forwardPasses: 3))
  }

  @Test("AutoAttack in L1 begins auto-PGD five times, and aims at five classes") func autoattack() {
    let parts = AttackSettings(.autoattack).parts(in: .l1) ?? []
    #expect(parts.map(\.label) == ["apgd_ce-100x5", "apgd_t-100-targets5", "fab_t-100", "square-5000"])
  }
}

extension Tensor {
  /// In the box.
  fileprivate var clamped: Tensor { Tensor(shape, values: values.map { min(max($0, 0), 1) }) }
}
