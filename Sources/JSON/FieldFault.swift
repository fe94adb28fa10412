/// One thing that is wrong with a document.
package struct FieldFault: Hashable, Sendable, Codable {
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

  /// An RFC 6901 JSON Pointer into the document.
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

/// The faults of a document, in the order in which they were found.
package final class FaultLog {
  package private(set) var faults: [FieldFault]

  package init(_ faults: [FieldFault] = []) { self.faults = faults }

  package func add(_ pointer: String, _ code: FieldFault.Code, _ detail: String) {
    faults.append(FieldFault(pointer, code, detail))
  }

  /// Whether nothing at `pointer`, above it or below it is wrong.
  package func isClean(_ pointer: String) -> Bool {
    !faults.contains { (pointer + "/").hasPrefix($0.pointer + "/") || $0.pointer.hasPrefix(pointer + "/") }
  }
}
