import JSON

/// Everything that is wrong with a job spec, at least one fault.
package struct SpecFaults: Error, Hashable, Sendable, CustomStringConvertible {
  package let faults: [FieldFault]

  package init(_ faults: [FieldFault]) { self.faults = faults }

  package var description: String {
    faults.map { "\($0.pointer.isEmpty ? "the spec" : $0.pointer): \($0.detail)" }.joined(separator: "\n")
  }
}
