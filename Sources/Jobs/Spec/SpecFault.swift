/// One thing that is wrong with a job spec.
package struct SpecFault: Hashable, Sendable, Codable {
  package enum Code: String, CaseIterable, Hashable, Sendable, Codable {
    case required
    case unknownField = "unknown_field"
    case wrongType = "wrong_type"
    case outOfRange = "out_of_range"
    /// Not one of the values that the field takes.
    case notAllowed = "not_allowed"
    /// A value of the contract that this version does not offer.
    case notSupported = "not_supported"
    /// Two fields that cannot both stand.
    case conflict
    /// A network that does not fit the images, or weights that do not fit the network.
    case doesNotFit = "does_not_fit"
    case notFound = "not_found"
  }

  /// An RFC 6901 JSON Pointer into the spec.
  package let pointer: String
  package let code: Code
  /// A sentence that says what would be right.
  package let detail: String

  package init(_ pointer: String, _ code: Code, _ detail: String) {
    self.pointer = pointer
    self.code = code
    self.detail = detail
  }
}

/// Everything that is wrong with a job spec, at least one fault.
package struct SpecFaults: Error, Hashable, Sendable, CustomStringConvertible {
  package let faults: [SpecFault]

  package init(_ faults: [SpecFault]) { self.faults = faults }

  package var description: String {
    faults.map { "\($0.pointer.isEmpty ? "the spec" : $0.pointer): \($0.detail)" }.joined(separator: "\n")
  }
}
