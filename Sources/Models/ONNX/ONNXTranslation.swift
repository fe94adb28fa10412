import JSON
import TensorEngine

/// A file on its way to a list of nodes: what has become of each value.
struct ONNXTranslation {
  let file: ONNXFile
  /// Stands for the number of images where shapes are computed: a prime that no dimension of the file has.
  let batch: Int
  private(set) var builder: NodeListBuilder
  private var nodes: [NetworkNode] = []
  private var tensors: [String: Tensor] = [:]
  private(set) var notices: [ONNXNotice] = []
  /// The shape of one image here.
  let image: Shape
  private var values: [String: ONNXValue] = [:]
  private var constants: [String: ONNXArray]
  /// What a faulty node would have given: whatever reads it is not looked at.
  private var lost: Set<String> = []
  private var names: Set<String> = []
  private var foldedConvolutions = 0
  /// The elements of all constants that were computed ahead, and the most that may be: some times those of the file, for weights that are
  /// turned and put together, and what shapes and masks need.
  private var made = 0
  private let mostMade: Int

  /// - Throws: where the input is no image or row of features.
  init(_ file: ONNXFile) throws(ONNXError) {
    self.file = file
    let fixed = file.input.dims.compactMap { if case .fixed(let extent) = $0 { extent } else { nil } }
    let extents = Set(file.initializers.values.flatMap(\.dims) + fixed)
    var free = 1_009
    while extents.contains(where: { $0 > 0 && $0 % free == 0 }) || (2..<32).contains(where: { free % $0 == 0 }) { free += 2 }
    if case .fixed(let images)? = file.input.dims.first { batch = min(images, 65_536) } else { batch = free }
    constants = file.initializers
    mostMade = 4 * file.initializers.values.reduce(0) { $0 + $1.count } + 4 * ONNXArray.most
    let dims = Array(file.input.dims.dropFirst())
    guard dims.allSatisfy({ if case .fixed = $0 { true } else { false } }), [1, 3].contains(dims.count) else {
      throw ONNXError(
        """
        the input "\(file.input.name.prefix(60))" must be images [batch, channels, height, width] of a fixed size, or rows [batch, features]: \
        export it with the size of its images, and only the batch open
        """)
    }
    let extent = dims.compactMap { if case .fixed(let extent) = $0 { extent } else { nil } }
    // Keras keeps channels last in ONNX too.
    let isChannelsFirst = extent.count == 3 && (extent[0] <= 4 || extent[2] > 4)
    var input = ONNXValue(node: "image", dims: extent, isBeforeWeights: true)
    input.isChannelsLast = isChannelsFirst
    image = Shape(input.shape)
    guard image.dimensions.allSatisfy({ (1...65_536).contains($0) }), image.count <= LayerListBuilder.mostActivations else {
      throw ONNXError("images of \(image) are too large")
    }
    builder = NodeListBuilder(Graph(input: image))
    values[file.input.name] = input
    do {
      try append(NetworkNode("input", name: input.node, inputs: [], ["shape": Self.list(image.dimensions)]))
    } catch {
      throw ONNXError("\(error)")
    }
  }

  // MARK: The whole graph

  /// Translates every node.
  ///
  /// - Throws: all faults at once.
  mutating func translate() throws(ONNXError) {
    let unknown = file.nodes.filter { ONNXOperator.named($0.type) == nil && ONNXFolding.named($0.type) == nil }
    guard unknown.isEmpty else {
      throw ONNXError(["these operators are not supported: " + unknown.map(\.title).joined(separator: ", ")])
    }
    var faults: [String] = []
    for node in file.nodes where !node.inputs.contains(where: lost.contains) {
      do {
        try translate(node)
      } catch {
        faults.append("\(node.title) \(error)")
        lost.formUnion(node.outputs)
      }
    }
    guard faults.isEmpty else { throw ONNXError(faults) }
  }

  private mutating func translate(_ node: ONNXNode) throws {
    for input in node.inputs where !input.isEmpty && values[input] == nil && constants[input] == nil {
      throw ONNXFault("reads \"\(input.prefix(100))\", which no node before it gives: the graph has a cycle, or its nodes are out of order")
    }
    if let output = node.outputs.first(where: { values[$0] != nil }) { throw ONNXFault("gives \"\(output.prefix(100))\" a second time") }
    let isConstant = node.inputs.allSatisfy { $0.isEmpty || constants[$0] != nil }
    if isConstant || ["Shape", "Size"].contains(node.type) {
      guard let folding = ONNXFolding.named(node.type) else {
        throw ONNXFault("works on constants alone, and is not computed ahead")
      }
      let inputs = node.inputs.map { input in
        input.isEmpty ? nil : constants[input] ?? values[input].map { ONNXArray($0.fullShape(batch: batch)) }
      }
      let results = try folding.fold(ONNXFolding.Work(node: node, inputs: inputs, opset: file.opset, batch: batch, isShape: !isConstant))
      for (name, result) in zip(node.outputs, results) where !name.isEmpty {
        constants[name] = result
        made += result.count
      }
      guard made <= mostMade else { throw ONNXFault("is the last of constants of \(made) values in all, which is too many") }
      return
    }
    guard let row = ONNXOperator.named(node.type) else { throw ONNXFault("works on the image, and is computed ahead only") }
    try row.lower(&self, node)
  }

  /// The nodes that the output needs, and the weights, by name.
  mutating func network() throws(ONNXError) -> ([NetworkNode], [String: Tensor]) {
    guard let output = values[file.output] else {
      throw ONNXError("the output \"\(file.output.prefix(100))\" does not depend on the image, or no node gives it")
    }
    guard output.dims.count == 1, output.batchAxis == 0, !output.isMerged, (1...65_536).contains(output.dims[0]) else {
      throw ONNXError(
        "the output \"\(file.output.prefix(100))\" is of the shape \(output.dims) for each image; a classifier gives one value for each class"
      )
    }
    if !file.furtherOutputs.isEmpty {
      note(
        "outputs_ignored",
        "the file has \(file.furtherOutputs.count + 1) outputs; the first, \(file.output.prefix(100)), is taken as the logits")
    }
    if foldedConvolutions > 0 {
      note(
        "batch_norm_folded",
        """
        batch norm was folded into \(foldedConvolutions) convolutions when the file was exported: the logits are the same, and training goes on \
        without batch norm. To keep it, export with training=TrainingMode.PRESERVE and do_constant_folding=False, or upload the state dict
        """)
    }
    var list = ONNXPatterns(
      nodes: nodes, tensors: tensors, output: output.node,
      shapes: Dictionary(nodes.map { ($0.name, builder.shape(of: $0.name) ?? []) }) { first, _ in first })
    list.simplify()
    return (list.nodes, list.tensors)
  }

  /// How many classes the output has.
  var classes: Int { values[file.output]?.dims.first ?? 1 }

  mutating func note(_ code: String, _ detail: String) { notices.append(ONNXNotice(code: code, detail: detail)) }
  mutating func noteFoldedBatchNorm() { foldedConvolutions += 1 }

  // MARK: Reading a node's inputs

  /// The input at an index, as a value; a constant becomes a weight.
  mutating func value(_ node: ONNXNode, _ index: Int = 0) throws -> ONNXValue {
    guard node.hasInput(index) else { throw ONNXFault("lacks its input \(index)") }
    let name = node.inputs[index]
    guard let value = values[name] else { throw ONNXFault("has a constant as its input \(index), which is not supported") }
    return value
  }

  func isConstant(_ node: ONNXNode, _ index: Int) -> Bool { node.hasInput(index) && constants[node.inputs[index]] != nil }

  /// The constant at an index; `nil` where it is left out.
  func constant(_ node: ONNXNode, _ index: Int) throws -> ONNXArray? {
    guard node.hasInput(index) else { return nil }
    guard let constant = constants[node.inputs[index]] else {
      throw ONNXFault("needs a constant as its input \(index), and that depends on the image")
    }
    return constant
  }

  func requiredConstant(_ node: ONNXNode, _ index: Int) throws -> ONNXArray {
    guard let constant = try constant(node, index) else { throw ONNXFault("lacks its input \(index)") }
    return constant
  }

  /// Whole numbers that are an attribute in earlier opsets and an input in later ones.
  func integers(_ node: ONNXNode, _ attribute: String, input: Int) throws -> [Int]? {
    try node.integers(attribute) ?? constant(node, input)?.integers()
  }

  mutating func bind(_ node: ONNXNode, _ value: ONNXValue, output: Int = 0) throws {
    guard node.outputs.indices.contains(output) else { throw ONNXFault("has no output \(output)") }
    values[node.outputs[output]] = value
    // The other outputs, such as the mask of a dropout, have no value here.
    if output == 0 { lost.formUnion(node.outputs.dropFirst().filter { !$0.isEmpty }) } else { lost.remove(node.outputs[output]) }
  }

  /// Whether the graph ends in the first output of a node.
  func isLast(_ node: ONNXNode) -> Bool { node.outputs.first == file.output }

  // MARK: Adding nodes

  static func list(_ numbers: [Int]) -> JSONValue { .array(numbers.map { .int(Int64($0)) }) }

  private mutating func append(_ node: NetworkNode) throws {
    try builder.append(node)
    nodes.append(node)
    names.insert(node.name)
  }

  /// A name that no node has yet, and whose tensors are not there either: a weight as a value may be named like the bias of a layer.
  func free(_ name: String) -> String {
    guard isTaken(name) else { return name }
    var number = 2
    while isTaken("\(name)_\(number)") { number += 1 }
    return "\(name)_\(number)"
  }

  private func isTaken(_ name: String) -> Bool {
    let endings = ["weight", "bias", "running_mean", "running_var"]
    let isTensor = endings.contains { name.hasSuffix(".\($0)") && names.contains(String(name.dropLast($0.count + 1))) }
    return isTensor || names.contains(name) || tensors[name] != nil || endings.contains { tensors["\(name).\($0)"] != nil }
  }

  /// Adds a node.
  ///
  /// - Parameters:
  ///   - name: its name; by default made of its type.
  ///   - dims: of the result, in the order of ONNX; by default those of the first input, and how it is read is that input's.
  ///   - isWeighted: whether the result depends on weights.
  @discardableResult
  mutating func add(
    _ type: String, _ inputs: [ONNXValue], _ fields: JSONObject = [:], named name: String? = nil, dims: [Int]? = nil,
    isChannelsLast: Bool? = nil, isWeighted: Bool = false
  ) throws -> ONNXValue {
    let name = name ?? free(type)
    try append(NetworkNode(type, name: name, inputs: inputs.map(\.node), fields))
    var result = ONNXValue(
      node: name, dims: dims ?? inputs[0].dims, batchAxis: inputs.first?.batchAxis ?? 0, isMerged: inputs.first?.isMerged ?? false,
      isChannelsLast: isChannelsLast ?? inputs.first?.isChannelsLast ?? false,
      isBeforeWeights: !isWeighted && inputs.allSatisfy(\.isBeforeWeights))
    if result.dims.count < 2 { result.isChannelsLast = false }
    let shape = builder.shape(of: name)
    guard shape?.dimensions == result.shape else {
      throw ONNXFault("gives \(shape?.description ?? "nothing"), and \(result.shape) was expected")
    }
    return result
  }

  /// Adds a layer whose weights are constants of the file.
  ///
  /// - Parameter tensors: by the ending of their names, `weight`.
  mutating func add(
    _ type: String, _ input: ONNXValue, _ fields: JSONObject = [:], of node: ONNXNode, weights tensors: [(String, ONNXArray, Shape)],
    dims: [Int]? = nil
  ) throws -> ONNXValue {
    let name = name(of: node, tensors.first?.1, fallback: type)
    let result = try add(type, [input], fields, named: name, dims: dims, isWeighted: true)
    for (ending, array, shape) in tensors {
      guard array.count == shape.count else { throw ONNXFault("has a \(ending) of \(array.dims), and needs \(shape)") }
      self.tensors["\(name).\(ending)"] = Tensor(shape, values: array.floats)
    }
    return result
  }

  /// A constant as a value, the same for each image.
  ///
  /// - Parameters:
  ///   - dims: its shape for one image, in the order of ONNX.
  ///   - isTrained: whether it is learnt.
  mutating func weight(_ array: ONNXArray, _ dims: [Int], of node: ONNXNode, like value: ONNXValue, isTrained: Bool) throws -> ONNXValue {
    let isChannelsLast = value.isChannelsLast && dims.count == value.dims.count
    let order = isChannelsLast ? value.order : Array(dims.indices)
    let moved = array.reshaped(dims).permuted(order)
    let name = free(Self.isGiven(array.origin) ? array.origin ?? "" : Self.path(node.name).map { $0 + ".weight" } ?? "weight")
    var result = try add(
      "weight", [], ["shape": Self.list(moved.dims), "trained": .bool(isTrained)], named: name, dims: dims, isChannelsLast: isChannelsLast)
    tensors[name] = Tensor(Shape(moved.dims), values: moved.floats)
    result.batchAxis = value.batchAxis
    result.isMerged = value.isMerged
    result.isBeforeWeights = !isTrained
    return result
  }

  // MARK: Layout

  /// The same value with its dimensions in the order of ONNX.
  mutating func plain(_ value: ONNXValue) throws -> ONNXValue {
    guard value.isChannelsLast else { return value }
    var result: ONNXValue
    if value.dims[0] == 1 || value.count == value.dims[0] {
      result = try add("reshape", [value], ["shape": Self.list(value.dims)], isChannelsLast: false)
    } else {
      let last = value.dims.count - 1
      result = try add("permute", [value], ["order": Self.list([last] + Array(0..<last))], isChannelsLast: false)
    }
    result.isChannelsLast = false
    return result
  }

  /// The same value with its first dimension last.
  mutating func channelsLast(_ value: ONNXValue) throws -> ONNXValue {
    guard !value.isChannelsLast, value.dims.count > 1 else { return value }
    let shape = Array(value.dims.dropFirst()) + [value.dims[0]]
    if value.dims[0] == 1 || value.count == value.dims[0] {
      return try add("reshape", [value], ["shape": Self.list(shape)], isChannelsLast: true)
    }
    return try add("permute", [value], ["order": Self.list(Array(1..<value.dims.count) + [0])], isChannelsLast: true)
  }

  /// An image, channels last.
  mutating func image(_ node: ONNXNode, _ index: Int = 0) throws -> ONNXValue {
    let value = try value(node, index)
    guard value.dims.count == 3, value.batchAxis == 0, !value.isMerged else {
      throw ONNXFault("needs images [batch, channels, height, width], and its input is of the shape \(value.fullShape(batch: batch))")
    }
    return try channelsLast(value)
  }

  /// The value under another shape, with its elements in the order of ONNX.
  mutating func reshape(_ value: ONNXValue, to dims: [Int]) throws -> ONNXValue {
    if value.isChannelsLast, value.dims.count == 3, dims.count == 1 {
      return try add("flatten", [value], dims: dims, isChannelsLast: false)
    }
    let value = try plain(value)
    if value.dims == dims { return value }
    return try add("reshape", [value], ["shape": Self.list(dims)], dims: dims, isChannelsLast: false)
  }

  // MARK: Names

  /// The name of a layer: its weight's without the ending, else that of its node as PyTorch would name the module.
  private func name(of node: ONNXNode, _ weight: ONNXArray?, fallback: String) -> String {
    if let origin = weight?.origin, origin.hasSuffix(".weight"), origin.count <= 200 {
      let name = String(origin.dropLast(".weight".count))
      if !isTaken(name) { return name }
    }
    return free(Self.path(node.name) ?? fallback)
  }

  /// Whether a tensor bears a name that somebody gave it, not an exporter's number.
  private static func isGiven(_ name: String?) -> Bool {
    guard let name, !name.isEmpty, name.count <= 200 else { return false }
    return !name.hasPrefix("onnx::") && !name.hasPrefix("val_") && !name.hasPrefix("/")
  }

  /// `/layer1/layer1.0/conv1/Conv` → `layer1.0.conv1`.
  static func path(_ name: String) -> String? {
    let parts = name.split(separator: "/").dropLast().map(String.init)
    guard name.hasPrefix("/"), !parts.isEmpty, name.count <= 200 else { return nil }
    return parts.reduce("") { path, part in path.isEmpty || part.hasPrefix(path + ".") ? part : path + "." + part }
  }
}
