import Datasets
import TensorEngine
import Testing

@Suite struct StratifiedTests {
  /// 600 of class 0, 300 of class 1, 99 of class 2, 1 of class 3, well mixed.
  static let labels: [Int] = (0..<1000).map { index in
    let place = index * 617 % 1000
    return place < 600 ? 0 : place < 900 ? 1 : place < 999 ? 2 : 3
  }

  @Test("both parts together are all examples, and every class is held out in proportion")
  func proportions() {
    let parts = stratifiedValidation(of: Self.labels, classes: 4, fraction: 0.1, seed: 1)
    #expect((parts.train + parts.validation).sorted() == Array(0..<1000))
    #expect(parts.validation == parts.validation.sorted())
    #expect(parts.train == parts.train.sorted())
    #expect(counts(parts.validation) == [60, 30, 10, 0])
  }

  @Test("the same seed gives the same parts, another seed others")
  func seeds() {
    let first = stratifiedValidation(of: Self.labels, classes: 4, fraction: 0.25, seed: 5)
    let again = stratifiedValidation(of: Self.labels, classes: 4, fraction: 0.25, seed: 5)
    let other = stratifiedValidation(of: Self.labels, classes: 4, fraction: 0.25, seed: 6)
    #expect(first == again)
    #expect(first.validation != other.validation)
    #expect(counts(first.validation) == counts(other.validation))
  }

  @Test("the choice of a seed stays what it is from version to version, or a resumed job would train on what it validated with")
  func stays() {
    let labels = (0..<12).map { $0 % 3 }
    // From an implementation in Python of Philox4x32-10, checked against the known answers of Random123.
    #expect(stratifiedValidation(of: labels, classes: 3, fraction: 0.5, seed: 42).validation == [3, 4, 5, 9, 10, 11])
  }

  @Test("a fraction of nothing holds out nothing, and a class always keeps an example to train on")
  func edges() {
    let none = stratifiedValidation(of: Self.labels, classes: 4, fraction: 0, seed: 0)
    #expect(none.validation.isEmpty)
    #expect(none.train.count == 1000)

    let most = stratifiedValidation(of: Self.labels, classes: 4, fraction: 0.999, seed: 0)
    #expect(counts(most.train) == [1, 1, 1, 1])
    #expect(stratifiedValidation(of: [Int](), classes: 4, fraction: 0.5, seed: 0) == (train: [], validation: []))
  }

  @Test("only the examples given are parted, whatever order they come in")
  func among() {
    let some = Array(stride(from: 999, through: 0, by: -3))
    let parts = stratifiedValidation(of: Self.labels, among: some, classes: 4, fraction: 0.2, seed: 3)
    #expect((parts.train + parts.validation).sorted() == some.sorted())
    #expect(parts == stratifiedValidation(of: Self.labels, among: some.sorted(), classes: 4, fraction: 0.2, seed: 3))
  }

  @Test("a sample has the size asked for and its classes in proportion", arguments: [1, 7, 10, 333, 999])
  func sample(count: Int) {
    let chosen = stratifiedSample(of: Self.labels, classes: 4, count: count, seed: 9)
    #expect(chosen.count == count)
    #expect(Set(chosen).count == count)
    let (got, all) = (counts(chosen), counts(Array(0..<1000)))
    for label in 0..<4 {
      let share = Double(all[label] * count) / 1000
      #expect(abs(Double(got[label]) - share) < 1, "class \(label)")
    }
  }

  @Test("a sample of more than there are is all of them, and different purposes choose differently")
  func sampleEdges() {
    #expect(stratifiedSample(of: Self.labels, classes: 4, count: 5000, seed: 0) == Array(0..<1000))
    #expect(stratifiedSample(of: Self.labels, classes: 4, count: 0, seed: 0).isEmpty)
    let sample = stratifiedSample(of: Self.labels, classes: 4, count: 100, seed: 0)
    let limit = stratifiedSample(of: Self.labels, classes: 4, count: 100, seed: 0, purpose: .split)
    #expect(sample != limit)
  }

  @Test("how many of each class a sample has is known before it is drawn", arguments: [0, 1, 4, 10, 333, 999, 1_000, 2_000])
  func countsOfASample(count: Int) {
    let all = counts(Array(0..<1000))
    let sample = stratifiedSample(of: Self.labels, classes: 4, count: count, seed: 2)
    #expect(stratifiedCounts(of: all, count: count) == counts(sample))
  }

  @Test(
    "the smallest sample with an example of each class has one, and with one example fewer it has not",
    arguments: [[600, 300, 99, 1], [5, 5, 5], [376, 389, 380, 389, 387, 376, 377, 387, 380, 382], [7, 0, 2], [1, 999_999], [3], []])
  func smallest(perClass: [Int]) {
    let found = smallestStratifiedSample(of: perClass)
    func lacks(_ count: Int) -> Bool { zip(stratifiedCounts(of: perClass, count: count), perClass).contains { $0 == 0 && $1 > 0 } }
    #expect(!lacks(found) && found >= perClass.count { $0 > 0 })
    if found > 0 { #expect(lacks(found - 1)) }
  }

  private func counts(_ indices: [Int]) -> [Int] {
    indices.reduce(into: [0, 0, 0, 0]) { $0[Self.labels[$1]] += 1 }
  }
}
