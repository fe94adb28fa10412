import CKernels

/// Philox4x32-10, a counter-based generator (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
///
/// A block of four words is a pure function of key and counter, so any number of threads draw the same numbers in any order.
package struct Philox: Sendable {
  package let key: (UInt32, UInt32)

  package init(key: UInt64) { self.key = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)) }

  package func block(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
    var (k0, k1) = key
    var c = counter
    for _ in 0..<10 {
      let (high0, low0) = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let (high1, low1) = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = SIMD4(high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return c
  }

  /// The words of `count` blocks from `counter` on, whose first word counts them.
  package func blocks(_ counter: SIMD4<UInt32>, count: Int) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: 4 * count) { words, filled in
      kernels.philox([key.0, key.1], [counter[0], counter[1], counter[2], counter[3]], Int64(count), words.baseAddress)
      filled = 4 * count
    }
  }
}
