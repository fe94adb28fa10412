import Attacks
import TensorEngine

/// The distance from each image to the nearest boundary of a linear model, where the box is out of reach: the least of the margins, each
/// over the dual norm of the difference of the two classes' weights.
func boundaryDistances(_ examples: Examples, of classifier: LinearClassifier, in norm: Norm) -> [Double] {
  let logits = classifier.logits(of: examples.images)
  return examples.labels.enumerated().map { row, label in
    classifier.weights.indices.filter { $0 != label }.map { other in
      let difference = zip(classifier.weights[label], classifier.weights[other]).map { Double($0) - Double($1) }
      let (own, foreign) = (logits.values[row * classifier.classes + label], logits.values[row * classifier.classes + other])
      return (Double(own) - Double(foreign)) / dualLength(difference, norm)
    }.min() ?? .infinity
  }
}

/// The most that a step of length 1 in `norm` changes a function of this slope.
func dualLength(_ slope: [Double], _ norm: Norm) -> Double {
  switch norm {
  case .linf: slope.reduce(0) { $0 + abs($1) }
  case .l2: slope.reduce(0) { $0 + $1 * $1 }.squareRoot()
  case .l1: slope.reduce(0) { max($0, abs($1)) }
  }
}

/// Images in the middle of the box, whose distances from the boundaries are well short of its walls.
func inland(_ count: Int, of classifier: LinearClassifier, in norm: Norm) -> Examples {
  let examples = rightly(randomImages(12 * count, classifier.inputShape, in: 0.35...0.65), by: classifier)
  let distances = boundaryDistances(examples, of: classifier, in: norm)
  let chosen = distances.indices.filter { distances[$0] > 0.02 && distances[$0] < 0.3 }.prefix(count)
  return examples.gathered(Array(chosen))
}

/// The same where pixels meet the box on the way: the moves to a boundary are min(λ·rate, room) for one λ, found by bisection; the rate is 1
/// in L∞ and the weight in L2. In L1 the pixel of the largest weight moves first, then the next.
func boxedDistances(_ examples: Examples, of classifier: LinearClassifier, in norm: Norm) -> [Double] {
  examples.labels.enumerated().map { row, label in
    let pixels = examples.images[example: row].map(Double.init)
    return classifier.weights.indices.filter { $0 != label }.map { other in
      let rise = zip(classifier.weights[other], classifier.weights[label]).map { Double($0) - Double($1) }
      let margin = -zip(rise, pixels).reduce(0) { $0 + $1.0 * $1.1 }
      func moves(_ lambda: Double) -> [Double] {
        zip(rise, pixels).map { min(lambda * (norm == .linf ? 1 : abs($0)), $0 > 0 ? 1 - $1 : $1) }
      }
      func gain(_ lambda: Double) -> Double { zip(rise, moves(lambda)).reduce(0) { $0 + abs($1.0) * $1.1 } }
      if norm == .l1 { return sparseDistance(rise.map(abs), zip(rise, pixels).map { $0 > 0 ? 1 - $1 : $1 }, margin) }
      var range = (low: 0.0, high: 1e6)
      guard gain(range.high) > margin else { return .infinity }
      for _ in 0..<100 {
        let middle = (range.low + range.high) / 2
        if gain(middle) < margin { range.low = middle } else { range.high = middle }
      }
      let nearest = moves(range.high)
      return norm == .linf ? nearest.max() ?? 0 : nearest.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }.min() ?? .infinity
  }
}

private func sparseDistance(_ weights: [Double], _ rooms: [Double], _ margin: Double) -> Double {
  var (left, length) = (margin, 0.0)
  for pixel in weights.indices.sorted(by: { weights[$0] > weights[$1] }) {
    let size = min(left / weights[pixel], rooms[pixel])
    length += size
    left -= size * weights[pixel]
    if left <= 1e-12 { return length }
  }
  return .infinity
}
