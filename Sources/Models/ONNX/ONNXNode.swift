import ONNXSchema

/// A node of an ONNX graph.
struct ONNXNode {
  let type: String
  let name: String
  let inputs: [String]
  let outputs: [String]
  private let attributes: [String: Onnx_AttributeProto]

  init(_ node: Onnx_NodeProto) {
    // Two names for the standard operators; those of other domains are other operators.
    type = ["", "ai.onnx"].contains(node.domain) ? node.opType : "\(node.domain).\(node.opType)"
    name = node.name
    inputs = node.input
    outputs = node.output
    attributes = Dictionary(node.attribute.map { ($0.name, $0) }) { first, _ in first }
  }

  /// How an answer names it.
  var title: String {
    let label =
      name.isEmpty ? outputs.first { !$0.isEmpty }.map { "unnamed, of \"\($0.prefix(100))\"" } ?? "unnamed" : "\"\(name.prefix(100))\""
    return "\(type.prefix(60)) (\(label))"
  }

  func has(_ attribute: String) -> Bool { attributes[attribute] != nil }
  func integer(_ attribute: String, _ fallback: Int = 0) -> Int { attributes[attribute].map { Self.bounded($0.i) } ?? fallback }
  func number(_ attribute: String, _ fallback: Float) -> Float { attributes[attribute]?.f ?? fallback }
  func integers(_ attribute: String) -> [Int]? { attributes[attribute]?.ints.map(Self.bounded) }
  /// Beyond every dimension, and small enough that a product of it with one does not overflow.
  private static func bounded(_ value: Int64) -> Int { Int(min(max(value, -(1 << 31)), 1 << 31)) }
  func numbers(_ attribute: String) -> [Float]? { attributes[attribute]?.floats }
  func text(_ attribute: String, _ fallback: String = "") -> String {
    attributes[attribute].map { String(decoding: $0.s, as: UTF8.self) } ?? fallback
  }
  func tensor(_ attribute: String) throws(ONNXFault) -> ONNXArray? {
    guard let attribute = attributes[attribute] else { return nil }
    return try ONNXArray(attribute.t)
  }

  /// Whether the input is there: the name of one that is left out is empty.
  func hasInput(_ index: Int) -> Bool { inputs.indices.contains(index) && !inputs[index].isEmpty }
}
