import Foundation
import ONNXSchema
import SwiftProtobuf
import TensorEngine

/// Writes a network with its weights as an ONNX file: opset 17, IR 8, images `[batch, channels, height, width]` of [0, 1] in, logits out.
///
/// Initializers have the names, the shapes and the bits of the weights. Each operation is written by its row in `ONNXWriterRow.all`.
package struct ONNXWriter {
  private let graph: Graph
  private let weights: [Tensor]
  private var file = Onnx_GraphProto()
  private var written: [Graph.NodeID: ONNXOutput] = [:]
  private var initializers: Set<String> = []
  private var names = 0
  /// Those whose values differ from image to image.
  private let imageNodes: Set<Graph.NodeID>

  /// The file of a network.
  ///
  /// - Throws: `ONNXError` for what has no form in ONNX, by name; `WeightsError`.
  package static func encoded(_ card: ModelCard, _ weights: Weights) throws -> Data {
    let refused = card.model.preprocessing.map(\.type).filter { ["jpeg", "median", "noise"].contains($0) }
    guard refused.isEmpty else {
      throw ONNXError(
        """
        the network's preprocessing has \(refused.joined(separator: ", ")), which cannot be written in ONNX; gaussian_blur and bit_depth can. \
        The file would be another function than the one that was trained and judged
        """)
    }
    let graph = try card.graph()
    var writer = ONNXWriter(graph, try weights.tensors(for: graph.layout))
    return try writer.encoded()
  }

  private init(_ graph: Graph, _ weights: [Tensor]) {
    self.graph = graph
    self.weights = weights
    imageNodes = graph.nodeIDs.reduce(into: [graph.input]) { found, node in
      if graph[node].inputs.contains(where: found.contains) { found.insert(node) }
    }
  }

  private mutating func encoded() throws -> Data {
    for id in graph.nodeIDs {
      guard let row = ONNXWriterRow.of(graph[id].operation) else {
        throw ONNXError("\(graph[id].operation.label) cannot be written in ONNX")
      }
      written[id] = try row.write(&self, id)
    }
    let output = house(graph.output)
    file.name = "temper"
    file.input = [Self.value("image", dims: graph.inputShape.rank == 3 ? channelsFirst(graph.inputShape) : graph.inputShape.dimensions)]
    file.output = [Self.value("logits", dims: graph.outputShape.dimensions)]
    end(output.name)
    var model = Onnx_ModelProto()
    model.irVersion = 8
    model.producerName = "temper"
    model.opsetImport = [Onnx_OperatorSetIdProto.with { $0.version = 17 }]
    model.graph = file
    return try model.serializedData()
  }

  /// Gives the last value its name.
  private mutating func end(_ name: String) {
    for index in file.node.indices {
      file.node[index].output = file.node[index].output.map { $0 == name ? "logits" : $0 }
      file.node[index].input = file.node[index].input.map { $0 == name ? "logits" : $0 }
    }
  }

  private static func value(_ name: String, dims: [Int]) -> Onnx_ValueInfoProto {
    Onnx_ValueInfoProto.with { value in
      value.name = name
      value.type.tensorType.elemType = Int32(Onnx_TensorProto.DataType.float.rawValue)
      value.type.tensorType.shape.dim =
        [Onnx_TensorShapeProto.Dimension.with { $0.dimParam = "batch" }]
        + dims.map { extent in Onnx_TensorShapeProto.Dimension.with { $0.dimValue = Int64(extent) } }
    }
  }

  private func channelsFirst(_ shape: Shape) -> [Int] { [shape[2], shape[0], shape[1]] }

  // MARK: What rows ask

  func shape(_ node: Graph.NodeID) -> Shape { graph[node].shape }
  func input(_ node: Graph.NodeID, _ index: Int = 0) -> Graph.NodeID { graph[node].inputs[index] }
  func operation(_ node: Graph.NodeID) -> any TensorEngine.Operation { graph[node].operation }
  func inputs(_ node: Graph.NodeID) -> [Graph.NodeID] { graph[node].inputs }

  /// A node's value as it was written.
  func output(_ node: Graph.NodeID) -> ONNXOutput { written[node] ?? ONNXOutput(name: "image", isChannelsFirst: false) }

  /// A node's value with its dimensions as they are here, channels last.
  mutating func house(_ node: Graph.NodeID) -> ONNXOutput {
    let value = output(node)
    guard value.isChannelsFirst else { return value }
    return ONNXOutput(name: add("Transpose", [value.name], [.integers("perm", [0, 2, 3, 1])]))
  }

  /// An image with channels first.
  mutating func image(_ node: Graph.NodeID) -> String {
    let value = output(node)
    return value.isChannelsFirst ? value.name : add("Transpose", [value.name], [.integers("perm", [0, 3, 1, 2])])
  }

  /// Whether a node's value differs from image to image; a weight as a value is there once for all of them.
  func dependsOnImage(_ node: Graph.NodeID) -> Bool { imageNodes.contains(node) }

  // MARK: Writing

  enum Attribute {
    case integer(String, Int)
    case integers(String, [Int])
    case number(String, Float)
    case text(String, String)
  }

  /// Adds a node.
  ///
  /// - Returns: the name of its output; of the first, where there are several.
  mutating func add(_ type: String, _ inputs: [String], _ attributes: [Attribute] = [], outputs: Int = 1) -> String {
    names += 1
    let name = "\(type.lowercased())_\(names)"
    file.node.append(
      Onnx_NodeProto.with { node in
        node.opType = type
        node.name = name
        node.input = inputs
        node.output = outputs == 1 ? [name] : (0..<outputs).map { "\(name)_\($0)" }
        node.attribute = attributes.map(Self.attribute)
      })
    return outputs == 1 ? name : "\(name)_0"
  }

  private static func attribute(_ attribute: Attribute) -> Onnx_AttributeProto {
    Onnx_AttributeProto.with { result in
      switch attribute {
      case .integer(let name, let value): (result.name, result.type, result.i) = (name, .int, Int64(value))
      case .integers(let name, let values): (result.name, result.type, result.ints) = (name, .ints, values.map(Int64.init))
      case .number(let name, let value): (result.name, result.type, result.f) = (name, .float, value)
      case .text(let name, let value): (result.name, result.type, result.s) = (name, .string, Data(value.utf8))
      }
    }
  }

  /// A weight tensor, under its own name.
  mutating func weight(_ parameter: ParameterID) -> String {
    let name = graph.layout[parameter].name
    return initializer(name, weights[parameter.index].shape.dimensions, weights[parameter.index].values)
  }

  /// Constants of a graph.
  mutating func numbers(_ dims: [Int], _ values: [Float]) -> String {
    names += 1
    return initializer("numbers_\(names)", dims, values)
  }

  mutating func number(_ value: Float) -> String { numbers([], [value]) }

  mutating func integers(_ values: [Int]) -> String {
    let name = "integers_" + values.map(String.init).joined(separator: "_")
    guard name.count < 60, initializers.insert(name).inserted else {
      if name.count < 60 { return name }
      names += 1
      return integers(values, named: "integers_\(names)")
    }
    return integers(values, named: name)
  }

  private mutating func integers(_ values: [Int], named name: String) -> String {
    file.initializer.append(
      Onnx_TensorProto.with { tensor in
        tensor.name = name
        tensor.dims = [Int64(values.count)]
        tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
        tensor.rawData = values.map { UInt64(bitPattern: Int64($0)).littleEndian }.withUnsafeBytes { Data($0) }
      })
    return name
  }

  private mutating func initializer(_ name: String, _ dims: [Int], _ values: [Float]) -> String {
    guard initializers.insert(name).inserted else { return name }
    file.initializer.append(
      Onnx_TensorProto.with { tensor in
        tensor.name = name
        tensor.dims = dims.map(Int64.init)
        tensor.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
        tensor.rawData = values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
      })
    return name
  }
}

/// The name of a value in the file, and whether the channels of an image come before its pixels there.
struct ONNXOutput {
  let name: String
  var isChannelsFirst = false
}
