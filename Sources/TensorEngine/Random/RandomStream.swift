import Foundation

/// What random numbers are drawn for: streams of different purposes never share a number.
package enum RandomPurpose: UInt32, Sendable {
  case initialisation = 1
  case shuffle, split, augmentation, dropout
  case attackStart, noise, sample, preprocessing, smoothing
}

/// The random numbers of one example in one epoch: a sequence fixed by (seed, purpose, epoch, example) alone.
///
/// Batch size, order, threads and restarts after a kill change nothing. For a further restart of an attack use another `epoch`
/// or `round`; `round` separates draws that share everything else.
package struct RandomStream: RandomNumberGenerator, Sendable {
  private let philox: Philox
  private var counter: SIMD4<UInt32>
  private var block = SIMD4<UInt32>()
  private var used = 4

  package init(seed: UInt64, purpose: RandomPurpose, epoch: Int = 0, example: Int = 0, round: Int = 0) {
    // The purpose and the round go into the key by one Philox block of their own, so that the counter keeps 32 bits for each of
    // position, example (low), example (high) and epoch.
    let mixed = Philox(key: seed).block(SIMD4(purpose.rawValue, UInt32(truncatingIfNeeded: round), 0x7465_6D70, 0))
    philox = Philox(key: UInt64(mixed[0]) << 32 | UInt64(mixed[1]))
    counter = SIMD4(0, UInt32(truncatingIfNeeded: example), UInt32(truncatingIfNeeded: example >> 32), UInt32(truncatingIfNeeded: epoch))
  }

  private mutating func word() -> UInt32 {
    if used == 4 {
      block = philox.block(counter)
      counter[0] &+= 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  /// The next `count` words, the same as one by one.
  private mutating func words(_ count: Int) -> [UInt32] {
    var words: [UInt32] = []
    while used < 4 && words.count < count { words.append(word()) }
    let blocks = (count - words.count) / 4
    words += philox.blocks(counter, count: blocks)
    counter[0] &+= UInt32(truncatingIfNeeded: blocks)
    while words.count < count { words.append(word()) }
    return words
  }

  package mutating func next() -> UInt64 {
    let high = UInt64(word())
    return high << 32 | UInt64(word())
  }

  /// Uniform in [0, 1), 24 bits.
  package mutating func uniform() -> Float { Self.uniform(word()) }

  /// Uniform in [low, high).
  package mutating func uniform(_ low: Float, _ high: Float) -> Float { low + (high - low) * uniform() }

  /// The next `count` numbers uniform in [low, high), the same as one by one.
  package mutating func uniforms(_ low: Float, _ high: Float, count: Int) -> [Float] {
    words(count).map { low + (high - low) * Self.uniform($0) }
  }

  private static func uniform(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }

  /// Standard normal (Box and Muller 1958; one of the pair).
  package mutating func normal() -> Float {
    let radius = (-2 * log(1 - uniform())).squareRoot()  // 1 − u is in (0, 1]: no logarithm of zero
    return radius * cos(2 * Float.pi * uniform())
  }

  /// The next `count` standard normal numbers, both of each pair of Box and Muller's.
  package mutating func normals(count: Int) -> [Float] {
    let words = words(count + count % 2)
    return [Float](unsafeUninitializedCapacity: words.count) { normals, filled in
      for first in stride(from: 0, to: words.count, by: 2) {
        let radius = (-2 * log(1 - Self.uniform(words[first]))).squareRoot()
        let angle = 2 * Float.pi * Self.uniform(words[first + 1])
        normals[first] = radius * cos(angle)
        normals[first + 1] = radius * sin(angle)
      }
      filled = count
    }
  }
}
