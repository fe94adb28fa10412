import COneDNN

/// What the bits of a result depend on besides its inputs.
package enum EngineVersion {
  /// The version of the numerics. It rises with every change of a kernel, of an order of summation or of a random stream that changes
  /// a bit of any result.
  package static let current = "2"

  /// The version with the instruction set and the version of oneDNN in use, for a record of what computed something:
  /// `2 on AVX2 with oneDNN 2.6.0`.
  package static let description = "\(current) on \(Processor.instructions) with oneDNN \(String(cString: onednn_version()))"
}
