/// What is remembered of labels that went by.
struct LabelTally {
  private(set) var count = 0
  /// How many labels there are of each class, up to the largest that came.
  private(set) var perClass: [Int] = []
  /// Each label that was larger than all before it, and its place: no more of them than classes.
  private var records: [(label: Int, index: Int)] = []

  mutating func add(_ label: Int) {
    if label >= perClass.count {
      perClass += [Int](repeating: 0, count: label + 1 - perClass.count)
      records.append((label, count))
    }
    perClass[label] += 1
    count += 1
  }

  /// The first label that is not below `classes`.
  func first(notBelow classes: Int) -> (label: Int, index: Int)? { records.first { $0.label >= classes } }
}
