import TensorEngine

/// What some rows of a batch learn from: the views of each example after the attack.
struct TrainingExamples: Sendable {
  /// Before the attack.
  let clean: Tensor
  /// An entry a view of the objective: `[rows, height, width, channels]`.
  let views: [Tensor]
  let labels: [Int]
  let ids: [Int]
  /// The rows that were attacked.
  let attackedRows: [Int]

  func gathered(_ rows: Range<Int>) -> TrainingExamples {
    TrainingExamples(
      clean: clean.gathered(rows), views: views.map { $0.gathered(rows) }, labels: Array(labels[rows]), ids: Array(ids[rows]),
      attackedRows: attackedRows.filter(rows.contains).map { $0 - rows.lowerBound })
  }
}
