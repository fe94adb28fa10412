import JSON
import TensorEngine

extension AttackDefinition {
  package static let square = AttackDefinition(
    name: "square",
    summary: "A random search by ever smaller squares that asks for logits alone (Andriushchenko et al. 2020, arXiv:1912.00049).",
    fields: [
      Field(
        "queries", .integer(1...1_000_000), default: 5000, help: "Tries for each example and run, beside the start.", label: .count),
      .restarts,
    ],
    access: .logits, strength: 28
  ) { settings, _, _ in Square(queries: settings["queries"]?.integer ?? 5000) }
}

/// Square Attack (Andriushchenko et al. 2020, arXiv:1912.00049), as AutoAttack runs it (Croce and Hein 2020, arXiv:2003.01690): each query
/// changes the perturbation in a square window, and what lowers the margin stays.
///
/// The authors' code draws one window a query for the whole batch; here each example draws its own, so that the batch changes nothing. And
/// windows reach the last row and column, as in the paper, whose code leaves those out.
package struct Square: Attack {
  /// Without the one at the start.
  package var queries: Int

  package init(queries: Int = 5000) { self.queries = queries }

  package var isRandomised: Bool { true }

  package var cost: AttackCost { AttackCost(forwardPasses: queries + 1) }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    var moves: any SquareMoves =
      switch threat.norm {
      case .linf: SquareStripes(examples.images.shape.example, epsilon: threat.epsilon)
      case .l2, .l1: SquarePyramids(examples.images.shape.example, threat)
      }
    var streams = examples.streams(for: .attackStart)
    let start = examples.starts ?? starts(examples.images, &streams, moves)
    try control()
    let logits = classifier.logits(of: start, ids: examples.ids)
    var active = ActiveSet(examples, at: start, state: Search(streams: streams, margins: logits.margins(of: examples.labels)))
    active.release(by: logits)
    var nearby: (any NearbyClassifier)?
    var side: Int?
    for query in 0..<queries where !active.isEmpty {
      try control()
      moves.setShare(Self.share(at: query))
      if moves.side != side {
        side = moves.side
        nearby = side.flatMap { classifier.nearby(active.iterates, side: $0) }
        active.state.known = Array(0..<active.count)
      }
      ask(classifier, nearby, about: &active, moves)
    }
    return active.finished()
  }

  /// The part of an image's pixels that a window covers: from 0.8 on, half as many after each of so many queries.
  private static func share(at query: Int) -> Double {
    0.8 / Double(1 << halvings.count { query > $0 })
  }

  private static let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]

  private func starts(_ images: Tensor, _ streams: inout [RandomStream], _ moves: any SquareMoves) -> Tensor {
    var starts = images
    for row in 0..<images.batch { starts.edit(row, beside: images) { moves.start($1, at: $0, from: &streams[row]) } }
    return starts
  }

  /// One query for each example that is still right: a candidate that lowers the margin, or is misclassified, is its new iterate.
  private func ask(
    _ classifier: any Classifier, _ nearby: (any NearbyClassifier)?, about active: inout ActiveSet<Search>, _ moves: any SquareMoves
  ) {
    var candidates = active.iterates
    let places = (0..<active.count).map { row in
      candidates.edit(row, beside: active.clean) { moves.change($1, around: $0, from: &active.state.streams[row]) }
    }
    var logits =
      nearby?.logits(of: candidates, changing: active.state.known, at: places) ?? classifier.logits(of: candidates, ids: active.ids)
    if nearby != nil { confirm(&logits, of: candidates, classifier, active) }
    let margins = logits.margins(of: active.targets.labels)
    let predicted = logits.predictions()
    let better = (0..<active.count).filter { margins[$0] < active.state.margins[$0] || predicted[$0] != active.targets.labels[$0] }
    for row in better {
      active.state.margins[row] = margins[row]
      active.iterates[example: row] = candidates[example: row]
    }
    nearby?.keep(better)
    // A candidate that is right leaves its example's iterate right, so the candidates' logits say who is still right.
    active.release(by: logits)
  }

  /// Asks for the whole pass where an answer from parts is wrong: an example leaves by what the network says.
  private func confirm(_ logits: inout Tensor, of candidates: Tensor, _ classifier: any Classifier, _ active: ActiveSet<Search>) {
    let predicted = logits.predictions()
    let wrong = predicted.indices.filter { predicted[$0] != active.targets.labels[$0] }
    guard !wrong.isEmpty else { return }
    let answers = classifier.logits(of: candidates.gathered(wrong), ids: wrong.map { active.ids[$0] })
    for (position, row) in wrong.enumerated() { logits[example: row] = answers[example: position] }
  }
}

/// How Square begins and what a query changes, in one norm. Images are channels last.
protocol SquareMoves {
  /// Sets the side of the windows, which are to cover `share` of the pixels.
  mutating func setShare(_ share: Double)

  /// Of the square outside of which a change leaves an image as it is, if there is one.
  var side: Int? { get }

  /// - Parameter image: the clean one, to be made the start.
  func start(_ image: UnsafeMutableBufferPointer<Float>, at clean: UnsafeBufferPointer<Float>, from stream: inout RandomStream)

  /// - Parameter image: the present iterate, to be made the candidate.
  /// - Returns: the upper left pixel of the window.
  func change(
    _ image: UnsafeMutableBufferPointer<Float>, around clean: UnsafeBufferPointer<Float>, from stream: inout RandomStream
  ) -> Place
}

private struct Search: PerExample {
  /// The random numbers of the windows yet to come.
  var streams: [RandomStream]
  /// Of the iterates.
  var margins: [Float]
  /// What the iterate is called among the images that the classifier remembers.
  var known: [Int] = []

  func gathered(_ rows: [Int]) -> Search {
    Search(
      streams: streams.gathered(rows), margins: margins.gathered(rows), known: known.isEmpty ? [] : known.gathered(rows))
  }
}

extension RandomStream {
  /// −1 or 1.
  mutating func sign() -> Float { uniform() < 0.5 ? -1 : 1 }

  /// Uniform in `0..<count`.
  mutating func index(below count: Int) -> Int { min(Int(uniform() * Float(count)), count - 1) }
}

extension Tensor {
  /// Lets `change` change one example, beside the same of another tensor of this shape, and returns its result.
  mutating func edit<Result>(
    _ row: Int, beside other: Tensor, _ change: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Result
  ) -> Result {
    let pixels = row * stride..<(row + 1) * stride
    return other.values.withUnsafeBufferPointer { other in
      values.withUnsafeMutableBufferPointer { change(.init(rebasing: other[pixels]), .init(rebasing: $0[pixels])) }
    }
  }
}
