/// For what the examples of each class are taken: clean, and under all attacks together, where the first that made the model misclassify
/// an example decides.
package struct Confusion: Hashable, Sendable, Codable {
  /// `[true class][predicted class]`. An answer with a NaN is no class, so such an example is counted nowhere.
  package let clean: [[Int]]
  package let attacked: [[Int]]

  /// The most classes for which a report has this: it holds twice their square.
  static let mostClasses = 100

  package init(clean: [[Int]], attacked: [[Int]]) {
    self.clean = clean
    self.attacked = attacked
  }

  /// - Returns: `nil` for more classes, and where an earlier version began the evaluation and noted no predictions.
  init?(_ set: EvaluationSet, _ clean: CleanOutcomes, _ trials: [AttackTrial]) {
    let count = set.classNames.count
    let wrong = clean.withstood.indices.filter { !clean.withstood[$0] }
    guard count <= Self.mostClasses, wrong.count == clean.mistakes.count else { return nil }
    var predicted = set.labels
    for (position, answer) in zip(wrong, clean.mistakes) { predicted[position] = answer }
    self.clean = Self.counted(set.labels, predicted, classes: count)
    for position in clean.withstood.indices where clean.withstood[position] {
      guard let first = trials.first(where: { !$0.withstood[position] }) else { continue }
      guard let answer = first.mistakes[position] else { return nil }
      predicted[position] = answer
    }
    attacked = Self.counted(set.labels, predicted, classes: count)
  }

  private static func counted(_ labels: [Int], _ predicted: [Int], classes: Int) -> [[Int]] {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for (label, answer) in zip(labels, predicted) where counts.indices.contains(answer) { counts[label][answer] += 1 }
    return counts
  }

  private enum CodingKeys: String, CodingKey {
    case clean
    case attacked = "under_attack"
  }
}
