import Attacks
import TensorEngine
import Testing

@Suite("Square") struct SquareTests {
  private let shape: Shape = [6, 9, 2]

  /// Two classes: the true one is 0, and the second's logit is w·x.
  private func classifier(_ shape: Shape, bias: Float) -> LinearClassifier {
    let w = LinearClassifier(shape, classes: 1, seed: 8).weights[0]
    return LinearClassifier(shape, weights: [[Float](repeating: 0, count: w.count), w], bias: [bias, 0])
  }

  private func examples(_ count: Int, _ shape: Shape) -> Examples {
    Examples(
      images: randomImages(count, shape, in: 0.3...0.7), labels: [Int](repeating: 0, count: count), ids: Array(0..<count), seed: 3)
  }

  @Test("in L∞ single pixels in the end reach what the ball allows, on images that are not square, to their last row and column")
  func reachesTheOptimum() {
    let threat = Threat(norm: .linf, epsilon: 0.1)
    let classifier = classifier(shape, bias: 1000)
    let examples = examples(4, shape)
    let found = Square(queries: 5000).perturb(examples, of: classifier, threat: threat)
    let w = classifier.weights[1]
    let most = w.reduce(0) { $0 + 0.1 * Double(abs($1)) }
    for row in 0..<4 {
      let moves = zip(found[example: row], examples.images[example: row]).map { Double($0) - Double($1) }
      for move in moves { #expect(abs(abs(move) - 0.1) < 1e-6) }
      #expect(zip(moves, w).reduce(0) { $0 + $1.0 * Double($1.1) } > 0.99 * most)
    }
  }

  @Test("in L2 it goes most of the way to the optimum", arguments: [Shape([6, 9, 2]), [10, 10, 1], [3, 2, 3]])
  func approaches(shape: Shape) {
    let threat = Threat(norm: .l2, epsilon: 0.25)
    let classifier = classifier(shape, bias: 1000)
    let examples = examples(4, shape)
    let w = classifier.weights[1]
    let most = 0.25 * w.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    func gains(_ queries: Int) -> [Double] {
      let found = Square(queries: queries).perturb(examples, of: classifier, threat: threat)
      return (0..<4).map { row in
        zip(w, zip(found[example: row], examples.images[example: row])).reduce(0) { $0 + Double($1.0) * Double($1.1.0 - $1.1.1) } / most
      }
    }
    for (few, many) in zip(gains(10), gains(5000)) {
      #expect(many <= 1 + 1e-5)
      #expect(many > 0.6 && many > few)
    }
  }

  @Test("it starts in stripes of one sign down each column and channel") func stripes() {
    let threat = Threat(norm: .linf, epsilon: 0.1)
    let examples = examples(3, shape)
    let found = Square(queries: 0).perturb(examples, of: classifier(shape, bias: 1000), threat: threat)
    var seen: Set<Bool> = []
    for row in 0..<3 {
      let moves = zip(found[example: row], examples.images[example: row]).map { $0 - $1 }
      for index in moves.indices {
        #expect(abs(abs(moves[index]) - 0.1) < 1e-6)
        #expect((moves[index] > 0) == (moves[index % 18] > 0))
        seen.insert(moves[index] > 0)
      }
    }
    #expect(seen.count == 2)
  }

  @Test("the perturbation starts at the edge of the L2 ball") func pyramids() {
    let threat = Threat(norm: .l2, epsilon: 0.2)
    let examples = examples(3, shape)
    let found = Square(queries: 0).perturb(examples, of: classifier(shape, bias: 1000), threat: threat)
    for distance in threat.distances(of: found, from: examples.images) { #expect(abs(distance - 0.2) < 1e-6) }
  }

  @Test("whoever the ball lets fall falls and leaves at once, and nobody else; ball and box hold", arguments: Norm.allCases)
  func fells(norm: Norm) {
    let classifier = LinearClassifier([5, 5, 1], classes: 4, seed: 12)
    let examples = rightly(randomImages(48, [5, 5, 1], in: 0.3...0.7), by: classifier)
    // In L1 a single pixel goes far enough to meet the box.
    let exact = norm == .l1 ? boxedDistances(examples, of: classifier, in: norm) : boundaryDistances(examples, of: classifier, in: norm)
    let epsilon = min(exact.sorted()[24], norm == .linf ? 0.3 : 0.8)
    let share =
      switch norm {
      case .linf: 0.97
      case .l2: 0.6
      case .l1: 0.45
      }
    let before = classifier.forwardBatches.count
    let result = AttackSettings(.square).adversary(for: Threat(norm: norm, epsilon: epsilon), keep: .firstMisclassified)
      .run(examples, of: classifier)
    #expect(!result.breaches.contains(true))
    #expect(classifier.gradientBatches.isEmpty)
    for (row, exact) in exact.enumerated() {
      if exact > epsilon * 1.0001 { #expect(!result.misclassified[row]) }
      // In L∞ the edge of the ball is found exactly, in L2 about, and in L1, where a window is worth less than its best pixel, at half.
      if exact < epsilon * share { #expect(result.misclassified[row]) }
    }
    let batches = classifier.forwardBatches.dropFirst(before).dropLast(2)
    #expect(batches.first == 48)
    #expect(batches.last == result.misclassified.count { !$0 })
    #expect(zip(batches, batches.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test("it can be stopped before any query") func stops() {
    struct Stop: Error {}
    let classifier = classifier(shape, bias: 1000)
    for limit in [1, 2, 50] {
      let before = classifier.forwardBatches.count
      var calls = 0
      #expect(throws: Stop.self) {
        _ = try Square().perturb(examples(2, shape), of: classifier, threat: Threat(norm: .linf, epsilon: 0.1)) {
          calls += 1
          if calls == limit { throw Stop() }
        }
      }
      #expect(classifier.forwardBatches.count - before == limit - 1)
    }
  }
}
