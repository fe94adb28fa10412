import CKernels

/// A number format in which products multiply.
enum NumberFormat: String, CaseIterable, Sendable {
  case fp32, bf16

  func products(of kernels: kernels_table) -> kernels_products { self == .fp32 ? kernels.fp32 : kernels.bf16 }

  /// The number that a product multiplies instead of `x`.
  func value(_ x: Float) -> Double { self == .fp32 ? Double(x) : Self.value(ofBF16: Self.nearestBF16(x)) }

  /// The nearest of the two neighbours, the even one of two equally near; for numbers, not NaN.
  static func nearestBF16(_ x: Float) -> UInt16 {
    guard x.isFinite else { return UInt16(x.bitPattern >> 16) }
    let towardsZero = UInt16(x.bitPattern >> 16)
    let away = towardsZero + 1
    let (near, far) = (abs(Double(x) - value(ofBF16: towardsZero)), abs(value(ofBF16: away) - Double(x)))
    return near < far || (near == far && towardsZero % 2 == 0) ? towardsZero : away
  }

  /// The infinities count as the number that would follow the largest.
  private static func value(ofBF16 bits: UInt16) -> Double {
    let x = Float(bitPattern: UInt32(bits) << 16)
    return x.isInfinite ? (x > 0 ? 1 : -1) * 0x1p128 : Double(x)
  }
}

let roundingCases = [
  KernelCase("rounding to bfloat16, ties and ends") { kernels in
    var source: [Float] = [
      0, -0.0, 1, -1, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNormalMagnitude,
    ]
    // Exactly between two, and a bit beside it: around an even number, around an odd one.
    for bits: UInt32 in [0x3F80_8000, 0x3F81_8000, 0xC0FE_8000, 0xC0FF_8000] {
      source += [bits - 1, bits, bits + 1].map(Float.init(bitPattern:))
    }
    source += noise(47).map { $0 * 300 }
    var result = Written<UInt16>(source.count, untouched: 77)
    kernels.round_to_bf16(source, &result.memory, Int64(source.count))
    return result.faults(exactly: source.map(NumberFormat.nearestBF16))
  },
  KernelCase("NaN stays NaN in bfloat16") { kernels in
    // Those whose payload would be lost by truncation, in a full vector and in the rest of one.
    let source = [UInt32](repeating: 0x7F80_0001, count: 19).map(Float.init(bitPattern:))
    var result = [UInt16](repeating: 0, count: source.count)
    kernels.round_to_bf16(source, &result, Int64(source.count))
    return result.allSatisfy { Float(bitPattern: UInt32($0) << 16).isNaN } ? [] : ["some NaN became \(result)"]
  },
]
