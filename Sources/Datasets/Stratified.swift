import TensorEngine

/// Parts the examples into some to train on and some to validate with, every class in proportion.
///
/// As many as `fraction` of all are held out, rounded; what rounding leaves open goes to the classes that are furthest below their share. A
/// class keeps at least one example to train on. The choice is fixed by `seed` and the labels alone.
///
/// - Parameters:
///   - labels: the class of each example.
///   - indices: the examples to part; all of them when nil.
///   - fraction: in [0, 1).
/// - Returns: the indices of both parts, ascending.
package func stratifiedValidation(
  of labels: [some BinaryInteger], among indices: [Int]? = nil, classes: Int, fraction: Double, seed: UInt64
) -> (train: [Int], validation: [Int]) {
  precondition(fraction >= 0 && fraction < 1, "a fraction of \(fraction) cannot be held out")
  let strata = Strata(labels, among: indices, classes: classes)
  let wanted = Int((Double(strata.count) * fraction).rounded())
  let parts = strata.parted(wanted, capacity: { max($0 - 1, 0) }, seed: seed, purpose: .split)
  return (train: parts.rest, validation: parts.chosen)
}

/// Chooses `count` examples, every class in proportion; all of them when there are no more.
///
/// - Parameters:
///   - labels: the class of each example.
///   - indices: the examples to choose from; all of them when nil.
///   - purpose: keeps choices of the same seed for different purposes apart.
/// - Returns: indices, ascending.
package func stratifiedSample(
  of labels: [some BinaryInteger], among indices: [Int]? = nil, classes: Int, count: Int, seed: UInt64, purpose: RandomPurpose = .sample
) -> [Int] {
  precondition(count >= 0, "\(count) examples cannot be chosen")
  return Strata(labels, among: indices, classes: classes).parted(count, capacity: { $0 }, seed: seed, purpose: purpose).chosen
}

/// Examples by class.
private struct Strata {
  private var members: [[Int]]
  let count: Int

  init(_ labels: [some BinaryInteger], among indices: [Int]?, classes: Int) {
    members = [[Int]](repeating: [], count: classes)
    for index in indices?.sorted() ?? Array(labels.indices) { members[Int(labels[index])].append(index) }
    count = indices?.count ?? labels.count
  }

  func parted(
    _ wanted: Int, capacity: (Int) -> Int, seed: UInt64, purpose: RandomPurpose
  ) -> (chosen: [Int], rest: [Int]) {
    let shares = shares(of: min(wanted, count), capacity: capacity)
    var chosen = [Int]()
    var rest = [Int]()
    for (label, examples) in members.enumerated() {
      // A stream for each class, so that a class's choice does not depend on how large the others are.
      var stream = RandomStream(seed: seed, purpose: purpose, example: label)
      let order = examples.permuted(by: &stream)
      chosen += order.prefix(shares[label])
      rest += order.dropFirst(shares[label])
    }
    return (chosen.sorted(), rest.sorted())
  }

  /// How many of each class: proportional, by the largest remainder, in whole numbers throughout so that no rounding decides.
  private func shares(of wanted: Int, capacity: (Int) -> Int) -> [Int] {
    guard count > 0 else { return members.map { _ in 0 } }
    let quotas = members.map { ($0.count * wanted).quotientAndRemainder(dividingBy: count) }
    var shares = zip(quotas, members).map { min($0.quotient, capacity($1.count)) }
    let byRemainder = members.indices.sorted { (quotas[$0].remainder, $1) > (quotas[$1].remainder, $0) }
    var missing = wanted - shares.reduce(0, +)
    while missing > 0 {
      let before = missing
      for label in byRemainder where missing > 0 && shares[label] < capacity(members[label].count) {
        shares[label] += 1
        missing -= 1
      }
      if missing == before { break }  // every class is at its capacity
    }
    return shares
  }
}

extension Array {
  /// The elements in an order drawn from `stream` (Fisher and Yates). Written out because the order must stay the same for ever, which
  /// the standard library does not promise of its own.
  func permuted(by stream: inout RandomStream) -> [Element] {
    var order = self
    for last in stride(from: order.count - 1, to: 0, by: -1) {
      // The high half of the product: uniform in 0...last but for a bias below 2⁻³².
      let choice = stream.next().multipliedFullWidth(by: UInt64(last + 1)).high
      order.swapAt(last, Int(choice))
    }
    return order
  }
}
