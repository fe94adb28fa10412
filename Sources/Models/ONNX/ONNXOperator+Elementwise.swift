import JSON
import TensorEngine

extension ONNXOperator {
  /// Functions of each element, and two values element by element.
  static let elementwise: [ONNXOperator] =
    [
      unary("Relu", "relu"), unary("Sigmoid", "sigmoid"), unary("Tanh", "tanh"), unary("HardSwish", "hard_swish"), unary("Sqrt", "sqrt"),
      unary("Reciprocal", "reciprocal"), unary("Exp", "exp"), unary("Erf", "erf"),
      unary("Round", "round"),
      unary("Neg", "scale") { _ in ["factor": -1] },
      unary("LeakyRelu", "leaky_relu") { node in ["slope": .number(Double(node.number("alpha", 0.01)))] },
      unary("HardSigmoid", "hard_sigmoid") { node in
        ["slope": .number(Double(node.number("alpha", 0.2))), "offset": .number(Double(node.number("beta", 0.5)))]
      },
      same("Identity"), same("Dropout", changes: "12: the rate is an input; nothing is dropped when a network is evaluated"),
      ONNXOperator("Cast") { translation, node in
        guard [1, 10, 11, 16].contains(node.integer("to")) else {
          throw ONNXFault("makes whole numbers of values that depend on the image")
        }
        try translation.bind(node, translation.value(node))
      },
      ONNXOperator("Clip", changes: "11: the ends are inputs") { translation, node in
        let low = try translation.constant(node, 1)?.scalar() ?? node.number("min", -.infinity)
        let high = try translation.constant(node, 2)?.scalar() ?? node.number("max", .infinity)
        let value = try translation.value(node)
        guard low <= high else { throw ONNXFault("clips to \(low)…\(high)") }
        switch (low, high) {
        case (0, 6): try translation.bind(node, translation.add("relu6", [value]))
        case (0, .infinity): try translation.bind(node, translation.add("relu", [value]))
        default:
          let ends = [low, high].map {
            JSONValue.number(Double(max(-Float.greatestFiniteMagnitude, min(Float.greatestFiniteMagnitude, $0))))
          }
          try translation.bind(node, translation.add("clip", [value], ["low": ends[0], "high": ends[1]]))
        }
      },
      ONNXOperator("Pow") { translation, node in
        let exponent = try translation.requiredConstant(node, 1).scalar()
        let value = try translation.value(node)
        if exponent == 0.5 { return try translation.bind(node, translation.add("sqrt", [value])) }
        try translation.bind(node, translation.add("power", [value], ["exponent": .number(Double(exponent))]))
      },
      ONNXOperator("Gelu", changes: "20: new; before, it is a pattern of nodes") { translation, node in
        let x = try translation.value(node)
        guard node.text("approximate", "none") == "tanh" else { return try translation.bind(node, translation.add("gelu", [x])) }
        // x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
        let cube = try translation.add("power", [x], ["exponent": 3])
        let sum = try translation.add("add", [x, translation.add("scale", [cube], ["factor": 0.044715])])
        let inner = try translation.add("tanh", [translation.add("scale", [sum], ["factor": 0.7978845608028654])])
        try translation.bind(node, translation.add("multiply", [x, translation.add("scale", [inner], ["factor": 0.5, "offset": 0.5])]))
      },
      ONNXOperator("Add", changes: "7: NumPy's rules of repetition") { translation, node in
        try translation.combine(node, .add) { ["offset": .number(Double($0))] }
      },
      ONNXOperator("Sub", changes: "7: as Add") { translation, node in
        try translation.combine(node, .subtract) { ["offset": .number(-Double($0))] }
      },
      ONNXOperator("Mul", changes: "7: as Add") { translation, node in
        try translation.combine(node, .multiply) { ["factor": .number(Double($0))] }
      },
      ONNXOperator("Div", changes: "7: as Add") { translation, node in
        try translation.combine(node, .divide) { ["factor": .number(1 / Double($0))] }
      },
      ONNXOperator("Sum") { translation, node in
        var sum = try translation.value(node)
        for index in node.inputs.indices.dropFirst() { sum = try translation.paired(sum, translation.value(node, index), .add) }
        try translation.bind(node, sum)
      },
    ]

  private static func unary(_ name: String, _ type: String, _ fields: @escaping @Sendable (ONNXNode) -> JSONObject = { _ in [:] })
    -> ONNXOperator
  {
    ONNXOperator(name) { translation, node in try translation.bind(node, translation.add(type, [translation.value(node)], fields(node))) }
  }

  private static func same(_ name: String, changes: String = "") -> ONNXOperator {
    ONNXOperator(name, changes: changes) { translation, node in try translation.bind(node, translation.value(node)) }
  }
}

extension ONNXTranslation {
  /// Two inputs of a node, element by element.
  ///
  /// - Parameter scale: the fields of a `scale` that does it with a single number on the right.
  mutating func combine(_ node: ONNXNode, _ kind: Arithmetic.Kind, _ scale: (Float) -> JSONObject) throws {
    let constantFirst = isConstant(node, 0)
    guard constantFirst || isConstant(node, 1) else { return try bind(node, paired(value(node, 0), value(node, 1), kind)) }
    let (value, array) = (try value(node, constantFirst ? 1 : 0), try requiredConstant(node, constantFirst ? 0 : 1))
    guard array.count == 1, array.dims.count <= value.rank else {
      let weight = try weight(array, besides: value, of: node)
      return try bind(node, paired(constantFirst ? weight : value, constantFirst ? value : weight, kind))
    }
    let number = array.floats[0]
    guard number.isFinite, kind != .divide || constantFirst || number != 0 else { throw ONNXFault("has a constant of \(number)") }
    switch (kind, constantFirst) {
    case (.subtract, true): try bind(node, add("scale", [value], ["factor": -1, "offset": .number(Double(number))]))
    case (.divide, true):
      let inverse = try add("reciprocal", [value])
      try bind(node, number == 1 ? inverse : add("scale", [inverse], ["factor": .number(Double(number))]))
    default: try bind(node, add("scale", [value], scale(number)))
    }
  }

  /// A constant beside a value as a weight, with the dimensions that NumPy's rules give it.
  ///
  /// Constants that the image meets before any weight are the normalisation: they are kept as they are. Later ones are learnt.
  private mutating func weight(_ array: ONNXArray, besides value: ONNXValue, of node: ONNXNode) throws -> ONNXValue {
    guard array.dims.count <= value.rank else { throw ONNXFault("has a constant of \(array.dims) for a value of \(value.dims)") }
    var dims = [Int](repeating: 1, count: value.rank - array.dims.count) + array.dims
    guard dims[value.batchAxis] == 1 else { throw ONNXFault("has a constant of \(array.dims), which differs from image to image") }
    if !value.isMerged { dims.remove(at: value.batchAxis) }
    return try weight(array, dims, of: node, like: value, isTrained: !value.isBeforeWeights)
  }

  /// Two values element by element.
  mutating func paired(_ left: ONNXValue, _ right: ONNXValue, _ kind: Arithmetic.Kind) throws -> ONNXValue {
    guard left.rank == right.rank, left.batchAxis == right.batchAxis, left.isMerged == right.isMerged,
      let dims = Shape(left.dims).broadcast(with: Shape(right.dims))?.dimensions
    else {
      throw ONNXFault("combines \(left.fullShape(batch: batch)) and \(right.fullShape(batch: batch)), which do not pair image by image")
    }
    let isLast = left.isChannelsLast || right.isChannelsLast
    let (one, two) = isLast ? (try channelsLast(left), try channelsLast(right)) : (left, right)
    return try add(kind.rawValue, [one, two], dims: dims)
  }
}
