import TensorEngine

/// Splits examples into a training part and a validation part, every class in proportion.
///
/// `fraction` of all examples are held out, rounded. The remainder of rounding goes to the classes that are furthest below their share.
/// Every class keeps at least one training example. The choice depends on `seed` and the labels alone.
///
/// - Parameters:
///   - labels: the class of each example.
///   - indices: the examples to split; nil for all.
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

/// Chooses `count` examples, every class in proportion; all of them if there are not more.
///
/// - Parameters:
///   - labels: the class of each example.
///   - indices: the examples to choose from; nil for all.
///   - purpose: makes choices with the same seed differ between purposes.
/// - Returns: indices, ascending.
package func stratifiedSample(
  of labels: [some BinaryInteger], among indices: [Int]? = nil, classes: Int, count: Int, seed: UInt64, purpose: RandomPurpose = .sample
) -> [Int] {
  precondition(count >= 0, "\(count) examples cannot be chosen")
  return Strata(labels, among: indices, classes: classes).parted(count, capacity: { $0 }, seed: seed, purpose: purpose).chosen
}

/// How many examples of each class a sample of `count` has.
///
/// - Parameter perClass: how many there are of each.
package func stratifiedCounts(of perClass: [Int], count: Int) -> [Int] { ClassShares(perClass).shares(of: count, capacity: { $0 }) }

/// The smallest sample found that has an example of each class of which there is any.
package func smallestStratifiedSample(of perClass: [Int]) -> Int {
  let classes = perClass.count { $0 > 0 }
  func isEnough(_ count: Int) -> Bool { stratifiedCounts(of: perClass, count: count).count { $0 > 0 } == classes }
  // All examples are enough, and one less than a sample of one for each class is not.
  var (short, enough) = (max(classes - 1, 0), perClass.reduce(0, +))
  while enough - short > 1 {
    let middle = (short + enough) / 2
    if isEnough(middle) { enough = middle } else { short = middle }
  }
  return enough
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
    let shares = ClassShares(members.map(\.count)).shares(of: wanted, capacity: capacity)
    var chosen = [Int]()
    var rest = [Int]()
    for (label, examples) in members.enumerated() {
      // Each class has its own stream, so its choice does not depend on the size of the others.
      var stream = RandomStream(seed: seed, purpose: purpose, example: label)
      let order = examples.permuted(by: &stream)
      chosen += order.prefix(shares[label])
      rest += order.dropFirst(shares[label])
    }
    return (chosen.sorted(), rest.sorted())
  }
}

/// How a sample is divided among the classes.
private struct ClassShares {
  private let sizes: [Int]
  private let count: Int

  /// - Parameter sizes: the number of examples of each class.
  init(_ sizes: [Int]) {
    self.sizes = sizes
    count = sizes.reduce(0, +)
  }

  /// The number to choose from each class: proportional, by the largest remainder, computed in integers so that rounding has no effect.
  func shares(of wanted: Int, capacity: (Int) -> Int) -> [Int] {
    guard count > 0 else { return sizes.map { _ in 0 } }
    let wanted = min(wanted, count)
    let quotas = sizes.map { ($0 * wanted).quotientAndRemainder(dividingBy: count) }
    var shares = zip(quotas, sizes).map { min($0.quotient, capacity($1)) }
    let byRemainder = sizes.indices.sorted { (quotas[$0].remainder, $1) > (quotas[$1].remainder, $0) }
    var missing = wanted - shares.reduce(0, +)
    while missing > 0 {
      let before = missing
      for label in byRemainder where missing > 0 && shares[label] < capacity(sizes[label]) {
        shares[label] += 1
        missing -= 1
      }
      if missing == before { break }  // every class is at its capacity
    }
    return shares
  }
}

extension Array {
  /// The elements in a random order (Fisher and Yates). It does not use the standard library's shuffle, whose order may change between
  /// versions.
  func permuted(by stream: inout RandomStream) -> [Element] {
    var order = self
    for last in stride(from: order.count - 1, to: 0, by: -1) {
      // The high half of the product is uniform in 0...last, with a bias below 2⁻³².
      let choice = stream.next().multipliedFullWidth(by: UInt64(last + 1)).high
      order.swapAt(last, Int(choice))
    }
    return order
  }
}
