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

/// A network with two convolutions, whose answers near known images can be computed in part, and the same without that.
@Suite("Square on a network that answers in part") struct NearbySquareTests {
  private static let image: Shape = [28, 28, 1]

  private func team() throws -> NetworkTeam {
    var graph = Graph(input: Self.image)
    func convolution(_ filters: Int, of channels: Int) throws {
      let weight = graph.parameter("weight", [filters, channels, 4, 4], initial: .uniform(fanIn: channels * 16))
      try graph.append(
        Convolution(filters: filters, window: Window(4, stride: 2, padding: 1), weight: weight, bias: nil), to: graph.output)
      try graph.append(ReLU(), to: graph.output)
    }
    try convolution(8, of: 1)
    try convolution(16, of: 8)
    try graph.append(Flatten(), to: graph.output)
    let features = graph[graph.output].shape.count
    let weight = graph.parameter("weight", [5, features], initial: .uniform(fanIn: features))
    try graph.append(Dense(units: 5, weight: weight, bias: nil), to: graph.output)
    let parameters = Parameters(graph.layout)
    var stream = RandomStream(seed: 4, purpose: .initialisation)
    for id in graph.layout.ids {
      let (shape, fanIn) = (graph.layout[id].shape, graph.layout[id].shape.count / graph.layout[id].shape[0])
      parameters[id] = Tensor(shape, values: stream.normals(count: shape.count).map { $0 / Float(fanIn).squareRoot() })
    }
    return try NetworkTeam(engine: Engine(threads: 1), graph: graph, parameters: parameters, width: 1)
  }

  /// Passes on whole images and on changes, and how many of each there were.
  private final class Watched: Classifier {
    private let classifier: any Classifier
    private let isNearby: Bool
    private(set) var whole = 0
    private(set) var parts = 0

    init(_ classifier: any Classifier, isNearby: Bool) {
      self.classifier = classifier
      self.isNearby = isNearby
    }

    var inputShape: Shape { classifier.inputShape }
    var classes: Int { classifier.classes }

    func logits(of images: Tensor) -> Tensor {
      whole += images.batch
      return classifier.logits(of: images)
    }

    func nearby(_ images: Tensor, side: Int) -> (any NearbyClassifier)? {
      guard isNearby, let nearby = classifier.nearby(images, side: side) else { return nil }
      return Part(nearby, self)
    }

    func inputGradient(
      at images: Tensor, targets: LossTargets, loss: any Loss, gradient: inout Tensor
    ) -> (losses: [Float], logits: Tensor) { classifier.inputGradient(at: images, targets: targets, loss: loss, gradient: &gradient) }

    private final class Part: NearbyClassifier {
      let nearby: any NearbyClassifier
      let watched: Watched

      init(_ nearby: any NearbyClassifier, _ watched: Watched) {
        self.nearby = nearby
        self.watched = watched
      }

      func logits(of candidates: Tensor, changing images: [Int], at places: [Place]) -> Tensor {
        watched.parts += candidates.batch
        return nearby.logits(of: candidates, changing: images, at: places)
      }

      func keep(_ rows: [Int]) { nearby.keep(rows) }
    }
  }

  @Test("it finds what it finds by whole passes, and asks for few of those") func sameResult() throws {
    let team = try team()
    let threat = Threat(norm: .linf, epsilon: 0.02)
    try team.forEachTask(1) { _, classifier in
      let images = randomImages(40, Self.image, in: 0.2...0.8)
      let labels = classifier.logits(of: images).predictions()
      let examples = Examples(images: images, labels: labels, ids: Array(0..<40), seed: 3)
      let adversary = AttackSettings(.square, ["queries": 1500]).adversary(for: threat, keep: .firstMisclassified)
      let (parted, plain) = (Watched(classifier, isNearby: true), Watched(classifier, isNearby: false))
      let (found, expected) = (adversary.run(examples, of: parted), adversary.run(examples, of: plain))
      #expect(found.misclassified == expected.misclassified)
      let fallen = found.misclassified.count { $0 }
      #expect(fallen > 3 && fallen < 37)
      // Rounding may turn a query whose margin is all but that of the iterate.
      let same = (0..<40).count { found.images[example: $0] == expected.images[example: $0] }
      #expect(same >= 36, "\(same) of 40 images are the same")
      #expect(plain.parts == 0)
      #expect(parted.parts > 3 * parted.whole)
      // An answer from parts counts as a pass; and each image of a result that is wrong is predicted once more.
      #expect(found.cost.forwardPasses == parted.parts + parted.whole)
    }
  }
}
