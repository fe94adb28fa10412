/// Why an ONNX file cannot become a network: every reason that was found, each as a sentence.
package struct ONNXError: Error, Hashable, Sendable, CustomStringConvertible {
  package let faults: [String]
  package var description: String { "the ONNX file cannot be used: " + faults.joined(separator: "; ") }

  init(_ faults: [String]) { self.faults = faults }
  init(_ fault: String) { self.init([fault]) }
}

/// What is wrong with one node or tensor, as a clause; whoever catches it says of which.
struct ONNXFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// What an import did that whoever uploads a file should know.
package struct ONNXNotice: Hashable, Sendable {
  package let code, detail: String
}
