import TensorEngine
import Testing

@Suite("The comparisons of a median") struct SortingNetworkTests {
  /// By the principle of zeros and ones (Knuth, The Art of Computer Programming, volume 3, 5.3.4, theorem Z) a network that selects the
  /// middle one of all of these selects that of any numbers. 64 sequences go through at once, a bit each.
  @Test("bring the middle one to the middle, for every sequence of zeros and ones", arguments: [3, 5, 9, 25]) func zerosAndOnes(count: Int)
  {
    let network = SortingNetwork(medianOf: count)
    // The bits of the lanes' numbers are the first of each sequence, those of the block the others.
    let few = min(count, 6)
    let lanes = (0..<few).map { place in (0..<64).reduce(UInt64(0)) { $0 | UInt64(($1 >> place) & 1) << UInt64($1) } }
    // The lanes whose middle one is a one, by the ones of the block.
    let expected = (0...count - few).map { ones in
      (0..<64).reduce(UInt64(0)) { mask, lane in
        (lane & (1 << few - 1)).nonzeroBitCount + ones > count / 2 ? mask | 1 << UInt64(lane) : mask
      }
    }
    var wrong = 0
    for block in 0..<1 << (count - few) {
      var values = lanes + (0..<count - few).map { (block >> $0) & 1 == 1 ? UInt64.max : 0 }
      for (first, second) in network.comparisons {
        (values[first], values[second]) = (values[first] & values[second], values[first] | values[second])
      }
      if values[count / 2] != expected[block.nonzeroBitCount] { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  @Test("are no more than those of sorting, and fewer where most of it is not needed") func number() {
    // Batcher's network sorts nine by 28 comparisons or fewer.
    #expect((19...28).contains(SortingNetwork(medianOf: 9).comparisons.count))
    #expect((99...140).contains(SortingNetwork(medianOf: 25).comparisons.count))
  }
}
