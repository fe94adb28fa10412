import Foundation
import ONNXSchema
import SwiftProtobuf

/// What a network takes and gives, and its operations: an ONNX file after its bytes were read and its outline was checked.
struct ONNXFile {
  /// Of the standard operators.
  let opset: Int
  let nodes: [ONNXNode]
  let initializers: [String: ONNXArray]
  let input: (name: String, dims: [Dimension])
  let output: String
  /// The outputs beside the first.
  let furtherOutputs: [String]

  enum Dimension: Equatable {
    case fixed(Int)
    /// With its name, such as `batch`.
    case open(String)
  }

  /// The standard operators whose meaning is known here.
  static let opsets = 7...23
  static let mostNodes = 50_000

  /// - Throws: everything that is wrong with the outline.
  init(_ data: Data) throws(ONNXError) {
    let model: Onnx_ModelProto
    do {
      model = try Onnx_ModelProto(serializedBytes: data)
    } catch {
      throw ONNXError("the bytes are no ONNX model: they end too early, or are of another format")
    }
    guard model.hasGraph, !model.graph.node.isEmpty else { throw ONNXError("it holds no graph with nodes: this is no ONNX model") }
    try self.init(model)
  }

  private init(_ model: Onnx_ModelProto) throws(ONNXError) {
    let graph = model.graph
    var faults: [String] = []
    let standard = model.opsetImport.first { ["", "ai.onnx"].contains($0.domain) }.map { Int($0.version) }
    if let standard, !Self.opsets.contains(standard) {
      faults.append(
        "it is written for opset \(standard), and \(Self.opsets.lowerBound) to \(Self.opsets.upperBound) are read: export it with opset_version=17"
      )
    } else if standard == nil {
      faults.append("it does not say which opset it is written for")
    }
    if graph.node.count > Self.mostNodes { faults.append("it has \(graph.node.count) nodes; \(Self.mostNodes) is the most") }
    if !graph.sparseInitializer.isEmpty { faults.append("it has sparse initializers, which are not read") }
    if !graph.quantizationAnnotation.isEmpty { faults.append("it is quantised: export the network in float32, before quantisation") }
    var initializers: [String: ONNXArray] = [:]
    for tensor in graph.initializer {
      do {
        initializers[tensor.name] = try ONNXArray(tensor)
      } catch {
        faults.append("the tensor \"\(tensor.name.prefix(100))\" \(error)")
      }
    }
    let names = Set(graph.initializer.map(\.name))
    let inputs = graph.input.filter { !names.contains($0.name) }
    if inputs.count != 1 {
      faults.append(
        "a classifier has one input, and this has \(inputs.count): \(inputs.map { "\"\($0.name.prefix(60))\"" }.prefix(10).joined(separator: ", "))"
      )
    }
    if graph.output.isEmpty { faults.append("it has no output") }
    var dims: [Dimension] = []
    if let input = inputs.first, faults.isEmpty {
      do { dims = try Self.dimensions(input) } catch { faults.append("the input \"\(input.name.prefix(60))\" \(error)") }
    }
    guard faults.isEmpty, let standard, let input = inputs.first, let output = graph.output.first else { throw ONNXError(faults) }
    opset = standard
    nodes = graph.node.map(ONNXNode.init)
    self.initializers = initializers
    self.input = (input.name, dims)
    self.output = output.name
    furtherOutputs = graph.output.dropFirst().map(\.name)
  }

  private static func dimensions(_ input: Onnx_ValueInfoProto) throws(ONNXFault) -> [Dimension] {
    guard case .tensorType(let tensor)? = input.type.value else { throw ONNXFault("is no tensor") }
    let type = Onnx_TensorProto.DataType(rawValue: Int(tensor.elemType)) ?? .undefined
    guard [.float, .float16, .double, .bfloat16].contains(type) else {
      throw ONNXFault("takes numbers of type \(type); a network is attacked on floating point pixels of [0, 1]")
    }
    guard tensor.hasShape else { throw ONNXFault("has no shape: export it with the shape of its images") }
    return tensor.shape.dim.map { dim in
      switch dim.value {
      case .dimValue(let value)? where value > 0: .fixed(Int(min(value, 1 << 40)))
      case .dimParam(let name)?: .open(name)
      default: .open("")
      }
    }
  }
}
