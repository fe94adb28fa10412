import CKernels
import COneDNN

/// The width of the numbers that a network is computed in.
package enum Precision: String, CaseIterable, Hashable, Sendable {
  /// Single precision throughout.
  case fp32
  /// Attack passes in bfloat16, everything that touches the weights in single precision.
  case mixed
  /// Every pass in bfloat16, with sums, results and the weights themselves in single precision.
  case bf16

  /// Whether attacks multiply in bfloat16.
  package var attacksInBF16: Bool { self != .fp32 }
  /// Whether passes that learn do.
  package var learnsInBF16: Bool { self == .bf16 }
}

/// What this machine's processor offers.
package enum Processor {
  /// Whether the kernels use products of bfloat16 of its own. Emulated ones give the same within rounding, slower than single precision.
  package static let offersBF16 = kernels.native_bf16
  /// The instructions that the kernels use, `AVX2`.
  package static let instructions = {
    _ = InstructionSet.selected  // which oneDNN is held to
    return String(cString: onednn_instructions())
  }()

  /// What jobs may be computed in here.
  package static var precisions: Set<Precision> { offersBF16 ? Set(Precision.allCases) : [.fp32] }
}

extension Precision {
  /// Why nothing can be computed in this precision where `offered` can, in a sentence.
  package func refusal(offered: Set<Precision>) -> String? {
    guard !offered.contains(self) else { return nil }
    let known = Self.allCases.filter(offered.contains).map(\.rawValue).joined(separator: ", ")
    return
      "\(rawValue) is not available here: it needs a processor that multiplies bfloat16 (AVX-512 with BF16), and "
      + "\(InstructionSet.limitation); available: \(known)"
  }
}
