import Datasets
import TensorEngine
import Testing

@Suite struct BatchesTests {
  @Test("an epoch has every example once, in batches of the size asked for but the last", arguments: [1, 7, 50, 100, 101, 1000])
  func everyExampleOnce(size: Int) {
    let batches = Batches(shuffling: 100..<200, size: size, seed: 3, epoch: 2)
    #expect(batches.flatMap { $0 }.sorted() == Array(100..<200))
    #expect(batches.count == (100 + size - 1) / size)
    #expect(batches.dropLast().allSatisfy { $0.count == size })
    #expect(batches.last?.count == (100 - 1) % size + 1)
  }

  @Test("the order depends on seed and epoch alone, not on the size of the batches")
  func keyed() {
    let order = Batches(shuffling: 0..<100, size: 10, seed: 3, epoch: 2).order
    #expect(order == Batches(shuffling: 0..<100, size: 33, seed: 3, epoch: 2).order)
    #expect(order != Batches(shuffling: 0..<100, size: 10, seed: 3, epoch: 3).order)
    #expect(order != Batches(shuffling: 0..<100, size: 10, seed: 4, epoch: 2).order)
    #expect(order != Array(0..<100))
  }

  @Test("the order of a seed stays what it is from version to version, or a resumed job would repeat and miss examples")
  func stays() {
    // From an implementation in Python of Philox4x32-10, checked against the known answers of Random123.
    #expect(Batches(shuffling: 0..<10, size: 10, seed: 42, epoch: 1).order == [0, 4, 8, 2, 1, 7, 3, 6, 5, 9])
  }

  @Test("over many epochs every example is everywhere about equally often")
  func uniform() {
    let (examples, epochs) = (8, 4000)
    var seen = [[Int]](repeating: [Int](repeating: 0, count: examples), count: examples)
    for epoch in 0..<epochs {
      for (place, example) in Batches(shuffling: 0..<examples, size: 4, seed: 0, epoch: epoch).order.enumerated() {
        seen[place][example] += 1
      }
    }
    // χ² with 49 degrees of freedom: above 85.4 once in a thousand.
    let expected = Double(epochs) / Double(examples)
    var statistic = 0.0
    for count in seen.joined() {
      let difference = Double(count) - expected
      statistic += difference * difference / expected
    }
    #expect(statistic < 85.4)
  }

  @Test("a pass in order leaves the order as it is, and nothing makes no batch")
  func inOrder() {
    #expect(Array(Batches(inOrder: [9, 2, 5], size: 2)) == [[9, 2], [5]])
    #expect(Batches(inOrder: [], size: 2).isEmpty)
    #expect(Batches(shuffling: 0..<0, size: 2, seed: 0, epoch: 0).isEmpty)
  }

  @Test("a run can go on in the middle of an epoch")
  func resumed() {
    let batches = Batches(shuffling: 0..<95, size: 10, seed: 1, epoch: 0)
    #expect(batches[4...].flatMap { $0 } == Array(batches.order[40...]))
  }
}
