import Foundation
import TensorEngine
import Testing

@Suite("Random numbers") struct RandomTests {
  /// The known answers of the authors' Random123 1.14, file kat_vectors.
  @Test("Philox gives the known answers of Random123") func knownAnswers() {
    #expect(Philox(key: 0).block(SIMD4(0, 0, 0, 0)) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox(key: .max).block(SIMD4(repeating: .max)) == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox(key: 0x299f_31d0_a409_3822).block(SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test("many numbers at once are those that come one by one", arguments: [0, 1, 3, 4, 63, 64, 785]) func many(count: Int) {
    for used in 0..<5 {
      var (one, all) = (RandomStream(seed: 5, purpose: .noise, example: 7), RandomStream(seed: 5, purpose: .noise, example: 7))
      for _ in 0..<used { #expect(one.uniform() == all.uniform()) }
      let expected = (0..<count).map { _ in one.uniform(-0.3, 0.7) }
      #expect(all.uniforms(-0.3, 0.7, count: count) == expected)
      #expect(all.next() == one.next())
    }
  }

  @Test("normal numbers at once are both of each pair of which one comes alone", arguments: [0, 1, 2, 7, 64]) func normals(count: Int) {
    var (one, all) = (RandomStream(seed: 5, purpose: .noise, example: 7), RandomStream(seed: 5, purpose: .noise, example: 7))
    let numbers = all.normals(count: count)
    #expect(numbers.count == count)
    for index in stride(from: 0, to: count, by: 2) { #expect(numbers[index] == one.normal()) }
    if count % 2 == 0 { #expect(all.next() == one.next()) }
    // The other of a pair lies on the same circle.
    var radius = RandomStream(seed: 5, purpose: .noise, example: 7)
    for index in stride(from: 1, to: count, by: 2) {
      let squared = -2 * log(1 - radius.uniform())
      _ = radius.uniform()
      #expect(abs(numbers[index - 1] * numbers[index - 1] + numbers[index] * numbers[index] - squared) < 1e-4 * max(1, squared))
    }
  }

  @Test("a stream repeats, and each part of its key changes it") func keyed() {
    func first(_ seed: UInt64 = 1, _ purpose: RandomPurpose = .noise, _ epoch: Int = 0, _ example: Int = 0, _ round: Int = 0) -> UInt64 {
      var stream = RandomStream(seed: seed, purpose: purpose, epoch: epoch, example: example, round: round)
      return stream.next()
    }
    let different: [UInt64] = [
      first(), first(2), first(1, .dropout), first(1, .noise, 1), first(1, .noise, 0, 1), first(1, .noise, 0, 0, 1),
    ]
    #expect(first() == first())
    #expect(Set(different).count == different.count)
  }

  @Test("uniform numbers fill [0, 1) evenly and normal ones have mean 0 and deviation 1") func moments() {
    var stream = RandomStream(seed: 3, purpose: .sample)
    let uniform = (0..<100_000).map { _ in Double(stream.uniform()) }
    let normal = (0..<100_000).map { _ in Double(stream.normal()) }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(uniform.reduce(0, +) / 100_000 - 0.5) < 0.005)
    #expect(abs(normal.reduce(0, +) / 100_000) < 0.02)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / 100_000 - 1) < 0.02)
  }
}
