import TensorEngine

/// The examples that an iterative attack is still working on, compacted as they fall.
struct Front {
  private(set) var clean: Tensor
  private(set) var labels: [Int]
  /// The present iterate of each example.
  var iterates: Tensor
  /// The row of each example in the result.
  private var rows: [Int]
  private var result: Tensor

  init(_ examples: Examples, at start: Tensor) {
    clean = examples.images
    labels = examples.labels
    iterates = start
    rows = Array(0..<examples.count)
    result = start
  }

  var isEmpty: Bool { rows.isEmpty }

  /// Lets go of the examples that `logits`, computed at the iterates, gets wrong, with their iterates as the result.
  ///
  /// - Returns: the positions that stay when any left, so that what goes along with the iterates can be compacted too.
  mutating func release(by logits: Tensor) -> [Int]? {
    let predicted = logits.predictions()
    let standing = labels.indices.filter { predicted[$0] == labels[$0] }
    guard standing.count < labels.count else { return nil }
    for row in labels.indices where predicted[row] != labels[row] { result[example: rows[row]] = iterates[example: row] }
    clean = clean.gathered(standing)
    labels = standing.map { labels[$0] }
    iterates = iterates.gathered(standing)
    rows = standing.map { rows[$0] }
    return standing
  }

  /// The result of each example: the iterate with which it left, or the present one.
  consuming func finished() -> Tensor {
    if rows.count == result.batch { return iterates }
    for (position, row) in rows.enumerated() { result[example: row] = iterates[example: position] }
    return result
  }
}

extension Tensor {
  /// The predicted class of each row of logits; −1, which is nobody's label, when a logit is NaN: such an answer is never right.
  package func predictions() -> [Int] {
    let classes = argmax()
    return classes.indices.map { row in self[example: row].contains { $0.isNaN } ? -1 : classes[row] }
  }
}
