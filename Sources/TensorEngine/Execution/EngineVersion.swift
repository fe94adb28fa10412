import COneDNN

/// What the bits of a result depend on besides its inputs.
package enum EngineVersion {
  /// The version of the numerics. It rises with every change that changes a bit of any result: of a kernel, of an order of summation, of a
  /// random stream, or of a formula or computed default of an attack, a method, a schedule. A run that was saved by another version goes
  /// on, with the warning `mixed_engine`.
  package static let current = "7"

  /// The version with the instruction set and the version of oneDNN in use, for a record of what computed something:
  /// `7 on AVX2 with oneDNN 2.6.0`.
  package static let description = "\(current) on \(Processor.instructions) with oneDNN \(String(cString: onednn_version()))"
}
