import COneDNN

/// The width of the numbers that a network is computed in.
package enum Precision: String, CaseIterable, Hashable, Sendable {
  /// Single precision throughout.
  case fp32
  /// Attack passes in bfloat16, everything that touches the weights in single precision.
  case mixed
  /// Every pass in bfloat16, with the weights themselves in single precision.
  case bf16
}

/// What this machine's processor offers.
package enum Processor {
  /// Whether there are kernels for bfloat16: found out by making one.
  package static let offersBF16 = onednn_offers_bf16()
  /// The instructions that the kernels use, `AVX2`.
  package static let instructions = String(cString: onednn_instructions())

  /// What jobs may be computed in here.
  package static var precisions: Set<Precision> { Precision.computed.intersection(offersBF16 ? Set(Precision.allCases) : [.fp32]) }
}

extension Precision {
  /// What the engine has kernels for, on a processor that offers them.
  static let computed: Set<Precision> = [.fp32]

  /// Why nothing can be computed in this precision where `offered` can, in a sentence.
  package func refusal(offered: Set<Precision>) -> String? {
    guard !offered.contains(self) else { return nil }
    let known = Self.allCases.filter(offered.contains).map(\.rawValue).joined(separator: ", ")
    let reason =
      Processor.offersBF16
      ? "this version computes no passes in bfloat16 yet"
      : "it needs a processor whose kernels compute in bfloat16 (AVX-512 with BF16, or AMX), and this one has \(Processor.instructions)"
    return "\(rawValue) is not available here: \(reason); available: \(known)"
  }
}
