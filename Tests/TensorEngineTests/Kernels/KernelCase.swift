import CKernels
import Testing

/// A kernel at one shape, and what to compare it with: loops in double precision, or exact values.
struct KernelCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Runs the kernel of a table and says what is wrong with its result.
  let faults: @Sendable (_ kernels: kernels_table) -> [String]

  init(_ description: String, faults: @escaping @Sendable (_ kernels: kernels_table) -> [String]) {
    testDescription = description
    self.faults = faults
  }

  static let all =
    productCases + convolutionCases + winogradCases + depthwiseCases + inputGradientCases + poolingCases + elementwiseCases
    + boundaryCases + normalisationCases + activationCases + attentionCases + randomCases + roundingCases
}

/// A sum in double precision. The rounding errors of a kernel are relative to the sum of its terms' magnitudes.
struct ReferenceSum: Sendable {
  private(set) var value = 0.0
  private(set) var magnitude = 0.0

  mutating func add(_ term: Double) {
    value += term
    magnitude += abs(term)
  }

  mutating func clamp(to range: ClosedRange<Double>) { value = min(max(value, range.lowerBound), range.upperBound) }

  mutating func clear() { self = ReferenceSum() }
}

/// The memory that a kernel writes, and some behind it that it must not touch.
struct Written<Number: Equatable & Sendable> {
  var memory: [Number]
  private let count: Int
  private let untouched: Number

  init(_ count: Int, untouched: Number) {
    self.count = count
    self.untouched = untouched
    memory = [Number](repeating: untouched, count: count + 64)
  }

  var values: ArraySlice<Number> { memory[..<count] }

  fileprivate var overrun: [String] { memory[count...].allSatisfy { $0 == untouched } ? [] : ["it wrote behind the end of its result"] }

  /// Where the result is another than `reference`.
  func faults(exactly reference: [Number]) -> [String] {
    overrun + firstFaults(reference) { $0 == $1 ? nil : "is \($0), not \($1)" }
  }

  fileprivate func firstFaults<Reference>(_ reference: [Reference], _ fault: (Number, Reference) -> String?) -> [String] {
    guard reference.count == count else { return ["the reference has \(reference.count) values, the result \(count)"] }
    var faults: [String] = []
    for (index, pair) in zip(values, reference).enumerated() where faults.count < 3 {
      if let fault = fault(pair.0, pair.1) { faults.append("\(index) \(fault)") }
    }
    return faults
  }
}

extension Written where Number: BinaryFloatingPoint {
  init(_ count: Int) { self.init(count, untouched: 12345) }

  /// Where the result is further from `reference` than so much of the magnitude of its terms.
  func faults(_ reference: [ReferenceSum], within tolerance: Double) -> [String] {
    overrun
      + firstFaults(reference) { value, reference in
        abs(Double(value) - reference.value) <= tolerance * reference.magnitude + 1e-30
          ? nil : "is \(value), not \(reference.value) ± \(tolerance * reference.magnitude)"
      }
  }

  func faults(_ reference: [Double], within tolerance: Double) -> [String] {
    overrun
      + firstFaults(reference) { value, reference in
        abs(Double(value) - reference) <= tolerance * max(1, abs(reference)) ? nil : "is \(value), not \(reference) ± \(tolerance)"
      }
  }
}

extension kernels_epilogue {
  /// The epilogue that changes nothing.
  static var none: kernels_epilogue {
    kernels_epilogue(
      bias: nil, addend: nil, clamped: nil, mask_bits: nil, mask_bits_out: nil, low: -.infinity, high: .infinity, clamped_low: -.infinity,
      clamped_high: .infinity)
  }
}

/// Numbers in [-1, 1[ that are always the same (SplitMix64).
func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15
  return (0..<count).map { _ in
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float(Int32(truncatingIfNeeded: (z ^ (z >> 31)) >> 40) - (1 << 23)) / Float(1 << 23)
  }
}
