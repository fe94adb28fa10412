import TensorEngine

/// What an attack remembers of each example, one entry an example: gradients, momenta, step sizes, random streams.
package protocol PerExample {
  /// The entries of the examples in `rows`, in that order.
  func gathered(_ rows: [Int]) -> Self
}

extension Tensor: PerExample {}

extension Array: PerExample {
  package func gathered(_ rows: [Int]) -> [Element] { rows.map { self[$0] } }
}

/// The examples that an iterative attack is still working on, with what it remembers of each: all of it is compacted when examples leave.
package struct ActiveSet<State: PerExample> {
  package private(set) var clean: Tensor
  /// What the attack's loss compares the logits with.
  package private(set) var targets: LossTargets
  /// The present iterate of each example.
  package var iterates: Tensor
  package var state: State
  /// The row of each example in the result.
  package private(set) var rows: [Int]
  private var result: Tensor

  /// - Parameter targets: those of the examples when left out.
  package init(_ examples: Examples, at start: Tensor, state: State, targets: LossTargets? = nil) {
    clean = examples.images
    self.targets = targets ?? examples.targets
    iterates = start
    self.state = state
    rows = Array(0..<examples.count)
    result = start
  }

  package var isEmpty: Bool { rows.isEmpty }
  package var count: Int { rows.count }
  /// What each example is called in its dataset.
  package var ids: [Int] { targets.ids ?? rows }

  /// Removes the examples that `logits`, computed at the iterates, gets wrong; each keeps its iterate as its result.
  package mutating func release(by logits: Tensor) {
    let labels = targets.labels
    let predicted = logits.predictions()
    release(labels.indices.filter { predicted[$0] != labels[$0] })
  }

  /// Removes the examples in `leaving`; each keeps its iterate as its result.
  package mutating func release(_ leaving: [Int]) {
    guard !leaving.isEmpty else { return }
    for row in leaving { result[example: rows[row]] = iterates[example: row] }
    let left = Set(leaving)
    let staying = rows.indices.filter { !left.contains($0) }
    clean = clean.gathered(staying)
    targets = targets.gathered(staying)
    iterates = iterates.gathered(staying)
    state = state.gathered(staying)
    rows = rows.gathered(staying)
  }

  /// The result of each example: the iterate with which it left, or the present one.
  package consuming func finished() -> Tensor {
    if rows.count == result.batch { return iterates }
    for (position, row) in rows.enumerated() { result[example: row] = iterates[example: position] }
    return result
  }
}

extension Tensor {
  /// The predicted class of each row of logits; −1, which is nobody's label, when a logit is NaN: such an answer is never right.
  package func predictions() -> [Int] {
    let (classes, stride) = (argmax(), stride)
    return values.withUnsafeBufferPointer { logits in
      classes.indices.map { row in logits[row * stride..<(row + 1) * stride].contains { $0.isNaN } ? -1 : classes[row] }
    }
  }
}
