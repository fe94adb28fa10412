import TensorEngine
import Testing

@Suite("The reduction tree") struct ReductionTreeTests {
  @Test(
    "neighbours are combined first, then their results",
    arguments: [
      (1, "0"), (2, "(0+1)"), (3, "((0+1)+2)"), (5, "(((0+1)+(2+3))+4)"), (6, "(((0+1)+(2+3))+(4+5))"),
      (8, "(((0+1)+(2+3))+((4+5)+(6+7)))"),
    ])
  func order(count: Int, expected: String) {
    #expect(ReductionTree.combined((0..<count).map(String.init)) { $0 = "(\($0)+\($1))" } == expected)
  }

  @Test("nothing combined is nothing") func none() { #expect(ReductionTree.combined([Int](), +=) == nil) }

  @Test("a subtree over four shards in a row has the bits of the whole tree's part", arguments: [5, 8, 11]) func subtrees(count: Int) throws
  {
    var random = RandomStream(seed: 1, purpose: .sample)
    let values = (0..<count).map { _ in random.normal() }
    let groups = stride(from: 0, to: count, by: 4).map { Array(values[$0..<min($0 + 4, count)]) }
    let roots = try groups.map { try #require(ReductionTree.combined($0, +=)) }
    #expect(ReductionTree.combined(roots, +=) == ReductionTree.combined(values, +=))
  }
}
