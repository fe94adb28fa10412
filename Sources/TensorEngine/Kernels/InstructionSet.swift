import CKernels
import COneDNN
import Glibc

/// The kernels of the instruction set in use.
let kernels = InstructionSet.selected.kernels

/// The instruction sets that kernels are compiled for. Each includes those before it, and rounds differently.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// SSE2, which every x86-64 processor has.
  case sse
  /// With FMA.
  case avx2
  case avx512
  /// With the processor's own products of bfloat16, which the others emulate.
  case avx512BF16 = "avx512_bf16"

  /// The environment variable that names the set to use. It is read once per process.
  package static let variable = "TEMPER_KERNELS"

  /// Those that this processor has, the best last.
  package static let available = allCases.filter { kernels_supports($0.instructions) }

  /// The set in use: the one that the environment names, or else the best. oneDNN is held to a named one too.
  package static var selected: InstructionSet { selection.set }

  /// Why the set that the environment names is not in use, in a sentence.
  package static var refusal: String? { selection.refusal }

  private static let selection: Selection = {
    var selection = Selection(named: getenv(variable).map { String(cString: $0) }, available: available)
    if selection.isNamed, !onednn_limit(selection.set.limit) {
      selection.refusal = "\(variable) cannot be \(selection.set.rawValue): this oneDNN cannot be held to an instruction set"
    }
    return selection
  }()

  /// What may limit the precisions of this process, for the end of a sentence.
  static var limitation: String {
    selection.isNamed ? "\(variable) holds the kernels to \(selected.rawValue)" : "this one has \(Processor.instructions)"
  }

  package var kernels: kernels_table { kernels_for(instructions).pointee }

  private var instructions: kernels_instructions {
    switch self {
    case .sse: KERNELS_SSE
    case .avx2: KERNELS_AVX2
    case .avx512: KERNELS_AVX512
    case .avx512BF16: KERNELS_AVX512_BF16
    }
  }

  private var limit: onednn_instruction_set {
    switch self {
    case .sse: ONEDNN_SSE41
    case .avx2: ONEDNN_AVX2
    case .avx512: ONEDNN_AVX512
    case .avx512BF16: ONEDNN_AVX512_BF16
    }
  }
}

extension InstructionSet {
  /// The choice of a set.
  package struct Selection: Sendable {
    package let set: InstructionSet
    /// Whether it was asked for by name.
    package let isNamed: Bool
    /// Why the named one was not chosen, in a sentence.
    package fileprivate(set) var refusal: String?

    /// - Parameters:
    ///   - name: of the set asked for; nil or empty for the best.
    ///   - available: those that the processor has, the best last.
    package init(named name: String?, available: [InstructionSet]) {
      let name = name ?? ""
      let named = InstructionSet(rawValue: name).flatMap { available.contains($0) ? $0 : nil }
      set = named ?? available.last ?? .sse
      isNamed = named != nil
      guard !name.isEmpty, named == nil else { return }
      let known = available.map(\.rawValue).joined(separator: ", ")
      refusal =
        InstructionSet(rawValue: name) == nil
        ? "\(variable) must be one of \(known), not \"\(name)\""
        : "\(variable) is \(name), which this processor does not have; it has \(known)"
    }
  }
}

extension kernels_table {
  /// Those that multiply in bfloat16, or in single precision.
  func products(isBF16: Bool) -> kernels_products { isBF16 ? bf16 : fp32 }
}
