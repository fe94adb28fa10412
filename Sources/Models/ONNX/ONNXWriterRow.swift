import TensorEngine

/// A row of the table of what is written: the nodes that an operation of the tensor engine becomes.
///
/// To add one is to add its row to one of the lists below.
struct ONNXWriterRow: Sendable {
  private let operation: ObjectIdentifier
  let write: @Sendable (inout ONNXWriter, Graph.NodeID) throws -> ONNXOutput

  private init<Of: Operation>(_: Of.Type, _ write: @escaping @Sendable (Of, inout ONNXWriter, Graph.NodeID) throws -> ONNXOutput) {
    operation = ObjectIdentifier(Of.self)
    self.write = { writer, node in
      guard let own = writer.operation(node) as? Of else { throw ONNXError("a row stands for another operation") }
      return try write(own, &writer, node)
    }
  }

  static func of(_ operation: any Operation) -> ONNXWriterRow? { byOperation[ObjectIdentifier(type(of: operation))] }
  private static let byOperation = Dictionary(
    uniqueKeysWithValues: (preprocessing + layers + tokens + elements + arrays).map { ($0.operation, $0) })

  // MARK: Before the first layer

  private static let preprocessing: [ONNXWriterRow] = [
    ONNXWriterRow(Input.self) { _, writer, node in ONNXOutput(name: "image", isChannelsFirst: writer.shape(node).rank == 3) },
    ONNXWriterRow(Normalize.self) { normalize, writer, node in
      let value = writer.output(writer.input(node))
      let dims = value.isChannelsFirst ? [1, normalize.mean.count, 1, 1] : [1, normalize.mean.count]
      let centred = writer.add("Sub", [value.name, writer.numbers(dims, normalize.mean)])
      return ONNXOutput(
        name: writer.add("Div", [centred, writer.numbers(dims, normalize.deviation)]), isChannelsFirst: value.isChannelsFirst)
    },
    ONNXWriterRow(BitDepth.self) { depth, writer, node in
      let value = writer.output(writer.input(node))
      let steps = writer.number(Float(1 << depth.bits - 1))
      let rounded = writer.add("Round", [writer.add("Mul", [value.name, steps])])
      return ONNXOutput(name: writer.add("Div", [rounded, steps]), isChannelsFirst: value.isChannelsFirst)
    },
    ONNXWriterRow(GaussianBlur.self) { blur, writer, node in
      let (shape, radius) = (writer.shape(node), blur.size / 2)
      var image = writer.image(writer.input(node))
      for (axis, kernel) in [(2, [blur.size, 1]), (3, [1, blur.size])] {
        let extent = shape[axis - 2]
        let places = (-radius..<extent + radius).map { ReflectedBorder.reflected($0, extent) }
        let wide = writer.add("Gather", [image, writer.integers(places)], [.integer("axis", axis)])
        let taps = writer.numbers([shape[2], 1] + kernel, (0..<shape[2]).flatMap { _ in blur.weights })
        image = writer.add("Conv", [wide, taps], [.integer("group", shape[2]), .integers("kernel_shape", kernel)])
      }
      return ONNXOutput(name: image, isChannelsFirst: true)
    },
  ]

  // MARK: Layers

  private static let layers: [ONNXWriterRow] = [
    ONNXWriterRow(Convolution.self) { conv, writer, node in
      let window = conv.window
      let inputs = [writer.image(writer.input(node)), writer.weight(conv.weight)] + (conv.bias.map { [writer.weight($0)] } ?? [])
      return ONNXOutput(
        name: writer.add(
          "Conv", inputs,
          window.attributes + [.integers("dilations", [window.dilation.height, window.dilation.width]), .integer("group", conv.groups)]),
        isChannelsFirst: true)
    },
    ONNXWriterRow(Dense.self) { dense, writer, node in
      let value = writer.house(writer.input(node)).name
      if writer.shape(node).rank == 1 {
        let inputs = [value, writer.weight(dense.weight)] + (dense.bias.map { [writer.weight($0)] } ?? [])
        return ONNXOutput(name: writer.add("Gemm", inputs, [.integer("transB", 1)]))
      }
      let turned = writer.add("Transpose", [writer.weight(dense.weight)], [.integers("perm", [1, 0])])
      let product = writer.add("MatMul", [value, turned])
      return ONNXOutput(name: dense.bias.map { writer.add("Add", [product, writer.weight($0)]) } ?? product)
    },
    ONNXWriterRow(BatchNorm.self) { norm, writer, node in
      let isImage = writer.shape(node).rank == 3
      let value = isImage ? writer.image(writer.input(node)) : writer.output(writer.input(node)).name
      let inputs = [value] + [norm.weight, norm.bias, norm.mean, norm.variance].map { writer.weight($0) }
      return ONNXOutput(
        name: writer.add("BatchNormalization", inputs, [.number("epsilon", norm.epsilon)]), isChannelsFirst: isImage)
    },
    ONNXWriterRow(LayerNorm.self) { norm, writer, node in
      let inputs = [writer.house(writer.input(node)).name, writer.weight(norm.weight), writer.weight(norm.bias)]
      return ONNXOutput(name: writer.add("LayerNormalization", inputs, [.integer("axis", -1), .number("epsilon", norm.epsilon)]))
    },
    ONNXWriterRow(Pooling.self) { pooling, writer, node in
      let type = pooling.kind == .max ? "MaxPool" : "AveragePool"
      let padding: [ONNXWriter.Attribute] = pooling.kind == .max ? [] : [.integer("count_include_pad", 1)]
      return ONNXOutput(
        name: writer.add(type, [writer.image(writer.input(node))], pooling.window.attributes + padding), isChannelsFirst: true)
    },
    ONNXWriterRow(GlobalAveragePool.self) { _, writer, node in
      let mean = writer.add("GlobalAveragePool", [writer.image(writer.input(node))])
      return ONNXOutput(name: writer.add("Flatten", [mean], [.integer("axis", 1)]))
    },
    ONNXWriterRow(Flatten.self) { _, writer, node in
      let input = writer.input(node)
      let value = writer.shape(input).rank == 3 ? writer.image(input) : writer.output(input).name
      return ONNXOutput(name: writer.add("Flatten", [value], [.integer("axis", 1)]))
    },
    ONNXWriterRow(Dropout.self) { _, writer, node in writer.output(writer.input(node)) },
  ]

  // MARK: Transformers

  private static let tokens: [ONNXWriterRow] = [
    ONNXWriterRow(Tokens.self) { tokens, writer, node in
      let width = writer.shape(node)[1]
      let image = writer.image(writer.input(node))
      let rows = writer.add("Reshape", [image, writer.integers([0, width, -1])])
      let pixels = writer.add("Transpose", [rows], [.integers("perm", [0, 2, 1])])
      let batch = writer.add("Shape", [image], [.integer("start", 0), .integer("end", 1)])
      let shape = writer.add("Concat", [batch, writer.integers([1, width])], [.integer("axis", 0)])
      let whole = writer.add("Expand", [writer.weight(tokens.whole), shape])
      let all = writer.add("Concat", [whole, pixels], [.integer("axis", 1)])
      return ONNXOutput(name: writer.add("Add", [all, writer.weight(tokens.positions)]))
    },
    ONNXWriterRow(FirstToken.self) { _, writer, node in
      let first = writer.add("Gather", [writer.output(writer.input(node)).name, writer.integers([0])], [.integer("axis", 1)])
      return ONNXOutput(name: writer.add("Squeeze", [first, writer.integers([1])]))
    },
    ONNXWriterRow(Attention.self) { attention, writer, node in
      let shape = writer.shape(node)
      let (tokens, width) = (shape[0], shape[1] / attention.heads)
      let given = writer.output(writer.input(node)).name
      let apart = writer.add("Reshape", [given, writer.integers([0, tokens, 3, attention.heads, width])])
      let heads = writer.add("Transpose", [apart], [.integers("perm", [2, 0, 3, 1, 4])])
      let parts = (0..<3).map { part in
        let one = writer.add("Slice", [heads, writer.integers([part]), writer.integers([part + 1]), writer.integers([0])])
        return writer.add("Squeeze", [one, writer.integers([0])])
      }
      let keys = writer.add("Transpose", [parts[1]], [.integers("perm", [0, 1, 3, 2])])
      let scores = writer.add("Mul", [writer.add("MatMul", [parts[0], keys]), writer.number(1 / Float(width).squareRoot())])
      let shares = writer.add("Softmax", [scores], [.integer("axis", -1)])
      let values = writer.add("Transpose", [writer.add("MatMul", [shares, parts[2]])], [.integers("perm", [0, 2, 1, 3])])
      return ONNXOutput(name: writer.add("Reshape", [values, writer.integers([0, tokens, shape[1]])]))
    },
  ]

  // MARK: Element by element

  private static let elements: [ONNXWriterRow] = [
    ONNXWriterRow(ReLU.self) { relu, writer, node in
      let value = writer.output(writer.input(node))
      guard relu.range.upperBound.isFinite else { return value.named(writer.add("Relu", [value.name])) }
      return value.named(writer.add("Clip", [value.name, writer.number(0), writer.number(relu.range.upperBound)]))
    },
    ONNXWriterRow(Activation.self) { activation, writer, node in
      let value = writer.output(writer.input(node))
      switch activation.kind {
      case .silu: return value.named(writer.add("Mul", [value.name, writer.add("Sigmoid", [value.name])]))
      case .gelu:
        let erf = writer.add("Erf", [writer.add("Div", [value.name, writer.number(Float(2).squareRoot())])])
        let product = writer.add("Mul", [value.name, writer.add("Add", [erf, writer.number(1)])])
        return value.named(writer.add("Mul", [product, writer.number(0.5)]))
      }
    },
    ONNXWriterRow(Pointwise.self) { pointwise, writer, node in
      let value = writer.output(writer.input(node))
      return value.named(pointwise.function.write(value.name, &writer))
    },
    ONNXWriterRow(Add.self) { _, writer, node in writer.paired("Add", node) },
    ONNXWriterRow(Arithmetic.self) { arithmetic, writer, node in
      switch arithmetic.kind {
      case .add: writer.paired("Add", node)
      case .subtract: writer.paired("Sub", node)
      case .multiply: writer.paired("Mul", node)
      case .divide: writer.paired("Div", node)
      }
    },
    ONNXWriterRow(WeightValue.self) { value, writer, _ in
      ONNXOutput(name: writer.add("Reshape", [writer.weight(value.weight), writer.integers([1] + value.shape.dimensions)]))
    },
  ]

  // MARK: Moving elements

  private static let arrays: [ONNXWriterRow] = [
    ONNXWriterRow(Permute.self) { permute, writer, node in
      let value = writer.house(writer.input(node)).name
      return ONNXOutput(name: writer.add("Transpose", [value], [.integers("perm", [0] + permute.order.map { $0 + 1 })]))
    },
    ONNXWriterRow(Reshape.self) { reshape, writer, node in
      let value = writer.house(writer.input(node)).name
      return ONNXOutput(name: writer.add("Reshape", [value, writer.integers([0] + reshape.shape.dimensions)]))
    },
    ONNXWriterRow(Slice.self) { slice, writer, node in
      let value = writer.output(writer.input(node))
      let end = slice.start + slice.count * slice.step
      let axis = value.axis(slice.axis)
      // An end before the first element is written as one far before it: -1 would mean the last.
      let bounds = [[slice.start], [end < 0 ? -(1 << 30) : end], [axis], [slice.step]].map { writer.integers($0) }
      return value.named(writer.add("Slice", [value.name] + bounds))
    },
    ONNXWriterRow(Concatenate.self) { concatenate, writer, node in
      let inputs = writer.inputs(node)
      let isFirst = inputs.contains { writer.output($0).isChannelsFirst }
      var values = inputs.map { isFirst ? writer.image($0) : writer.output($0).name }
      // What is there once for all images is repeated for each: a concatenation does not repeat.
      if let image = inputs.firstIndex(where: writer.dependsOnImage) {
        for index in inputs.indices where !writer.dependsOnImage(inputs[index]) {
          let batch = writer.add("Shape", [values[image]], [.integer("start", 0), .integer("end", 1)])
          let ones = writer.integers([Int](repeating: 1, count: writer.shape(node).rank))
          let shape = writer.add("Concat", [batch, ones], [.integer("axis", 0)])
          values[index] = writer.add("Expand", [values[index], shape])
        }
      }
      let result = ONNXOutput(name: "", isChannelsFirst: isFirst)
      return result.named(writer.add("Concat", values, [.integer("axis", result.axis(concatenate.axis))]))
    },
    ONNXWriterRow(Expand.self) { expand, writer, node in
      let value = writer.ranked(writer.input(node), expand.shape.rank)
      return ONNXOutput(name: writer.add("Expand", [value, writer.integers([1] + expand.shape.dimensions)]))
    },
    ONNXWriterRow(Mean.self) { mean, writer, node in
      let value = writer.output(writer.input(node))
      return value.named(
        writer.add("ReduceMean", [value.name], [.integers("axes", mean.axes.map(value.axis)), .integer("keepdims", 1)]))
    },
    ONNXWriterRow(Pad.self) { pad, writer, node in
      let value = writer.output(writer.input(node))
      var pads = [Int](repeating: 0, count: 2 * (pad.before.count + 1))
      for dimension in pad.before.indices {
        pads[value.axis(dimension)] = pad.before[dimension]
        pads[value.axis(dimension) + pad.before.count + 1] = pad.after[dimension]
      }
      return value.named(writer.add("Pad", [value.name, writer.integers(pads), writer.number(pad.value)]))
    },
    ONNXWriterRow(LinearResize.self) { resize, writer, node in
      let image = writer.image(writer.input(node))
      let batch = writer.add("Shape", [image], [.integer("start", 0), .integer("end", 1)])
      let sizes = writer.add(
        "Concat", [batch, writer.integers([writer.shape(node)[2], resize.height, resize.width])], [.integer("axis", 0)])
      // The names of the operator's grids are those here; two inputs are left out, the region and the scales.
      return ONNXOutput(
        name: writer.add(
          "Resize", [image, "", "", sizes], [.text("mode", "linear"), .text("coordinate_transformation_mode", resize.grid.rawValue)]),
        isChannelsFirst: true)
    },
    ONNXWriterRow(MatrixProduct.self) { _, writer, node in
      ONNXOutput(name: writer.add("MatMul", [writer.house(writer.input(node, 0)).name, writer.house(writer.input(node, 1)).name]))
    },
    ONNXWriterRow(Softmax.self) { _, writer, node in
      ONNXOutput(name: writer.add("Softmax", [writer.house(writer.input(node)).name], [.integer("axis", -1)]))
    },
  ]
}

extension ONNXOutput {
  /// Another value in the same order.
  func named(_ name: String) -> ONNXOutput { ONNXOutput(name: name, isChannelsFirst: isChannelsFirst) }

  /// The place in the file of a dimension of one example here.
  func axis(_ dimension: Int) -> Int { isChannelsFirst ? [2, 3, 1][dimension] : dimension + 1 }
}

extension Window {
  fileprivate var attributes: [ONNXWriter.Attribute] {
    [
      .integers("kernel_shape", [height, width]), .integers("strides", [stride.height, stride.width]),
      .integers("pads", [padding.height, padding.width, padding.height, padding.width]),
    ]
  }
}

extension ONNXWriter {
  /// Two values element by element.
  fileprivate mutating func paired(_ type: String, _ node: Graph.NodeID) -> ONNXOutput {
    let (left, right) = (input(node, 0), input(node, 1))
    let isImages = shape(left).rank == 3 && shape(right).rank == 3
    if isImages, output(left).isChannelsFirst || output(right).isChannelsFirst {
      return ONNXOutput(name: add(type, [image(left), image(right)]), isChannelsFirst: true)
    }
    let rank = shape(node).rank
    return ONNXOutput(name: add(type, [ranked(left, rank), ranked(right, rank)]))
  }

  /// A value with as many dimensions, those that it lacks in front of its own.
  fileprivate mutating func ranked(_ node: Graph.NodeID, _ rank: Int) -> String {
    let value = house(node).name
    let shape = shape(node)
    guard shape.rank < rank else { return value }
    return add("Reshape", [value, integers([0] + [Int](repeating: 1, count: rank - shape.rank) + shape.dimensions)])
  }
}

extension Pointwise.Function {
  fileprivate func write(_ value: String, _ writer: inout ONNXWriter) -> String {
    switch self {
    case .sigmoid: writer.add("Sigmoid", [value])
    case .tanh: writer.add("Tanh", [value])
    case .leakyReLU(let slope): writer.add("LeakyRelu", [value], [.number("alpha", slope)])
    case .hardSigmoid(let slope, let offset): writer.add("HardSigmoid", [value], [.number("alpha", slope), .number("beta", offset)])
    case .hardSwish: writer.add("HardSwish", [value])
    case .clip(let range): writer.add("Clip", [value, writer.number(range.lowerBound), writer.number(range.upperBound)])
    case .scale(let factor, let offset): writer.scaled(value, factor, offset)
    case .power(let exponent): writer.add("Pow", [value, writer.number(exponent)])
    case .squareRoot: writer.add("Sqrt", [value])
    case .reciprocal: writer.add("Reciprocal", [value])
    case .exponential: writer.add("Exp", [value])
    case .errorFunction: writer.add("Erf", [value])
    case .round: writer.add("Round", [value])
    }
  }
}

extension ONNXWriter {
  fileprivate mutating func scaled(_ value: String, _ factor: Float, _ offset: Float) -> String {
    let product = factor == 1 ? value : add("Mul", [value, number(factor)])
    return offset == 0 ? product : add("Add", [product, number(offset)])
  }
}
