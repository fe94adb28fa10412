/// Statistics of labels that were read.
struct LabelTally {
  private(set) var count = 0
  /// The number of labels of each class, up to the largest class so far.
  private(set) var perClass: [Int] = []
  /// Each label that was larger than all before it, and its index. There are at most as many as classes.
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
