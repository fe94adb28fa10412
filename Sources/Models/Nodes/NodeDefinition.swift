import JSON
import TensorEngine

/// A row of the table of nodes: an operation that a network as a graph may use.
///
/// To add one is to add its operation to the tensor engine, and its row to `own`.
struct NodeDefinition: Sendable {
  let name: String
  /// A phrase.
  let summary: String
  let fields: [Field]
  /// How many nodes it reads.
  let inputs: ClosedRange<Int>
  let append: @Sendable (inout NodeListBuilder, [Graph.NodeID], NetworkNode) throws -> Graph.NodeID

  /// Every type: those of layer lists, then those that a list of layers cannot have.
  static let all = layers + own
  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  static func named(_ name: String) -> NodeDefinition? { byName[name] }

  private static let layers = LayerType.allCases.filter { $0 != .residual }.map { type in
    NodeDefinition(name: type.rawValue, summary: type.summary, fields: type.fields, inputs: 1...1) { builder, inputs, node in
      try builder.layers.append(plain: Layer(node.values), after: inputs[0], name: node.name)
    }
  }

  private static let own: [NodeDefinition] =
    Arithmetic.Kind.allCases.map { kind in
      NodeDefinition(
        name: kind.rawValue, summary: "two values, element by element, each repeated along dimensions that it has once", fields: [],
        inputs: 2...2
      ) { builder, inputs, _ in
        // The sum of two values of one shape has kernels that other operations compute on their way out.
        let isPlainSum = kind == .add && builder.shape(inputs[0]) == builder.shape(inputs[1]) && inputs[0] != inputs[1]
        return isPlainSum ? try builder.add(Add(), inputs) : try builder.add(Arithmetic(kind), inputs)
      }
    } + [
      one("input", "the image, of this shape", [shape("The height, the width and the channels, or the features.")]) { builder, _, node in
        try builder.input(Shape(node.values.integers("shape")))
      }.reading(0...0),
      one(
        "weight", "a weight tensor as a value, the same for each image",
        [shape("Its shape."), Field("trained", .boolean, default: true, help: "Whether it is learnt.")]
      ) { builder, _, node in
        try builder.weight(node.name, Shape(node.values.integers("shape")), isTrained: node.values.flag("trained"))
      }.reading(0...0),
      one("concat", "several values one after the other", [axis]) { builder, inputs, node in
        try builder.add(Concatenate(axis: node.values.integer("axis")), inputs)
      }.reading(1...1_000),
      one(
        "slice", "every step-th element along a dimension",
        [
          axis, Field("start", .integer(0...1_000_000), default: 0, help: "The first."),
          Field("count", .integer(1...1_000_000), .required, help: "How many."),
          Field("step", .integer(-1_000_000...1_000_000), default: 1, help: "From one to the next."),
        ]
      ) { builder, inputs, node in
        let values = node.values
        return try builder.add(
          Slice(axis: values.integer("axis"), start: values.integer("start"), count: values.integer("count"), step: values.integer("step")),
          inputs)
      },
      one("permute", "the dimensions in another order", [dimensions("order", 0...15, "For each dimension, that of the input.")]) {
        builder, inputs, node in try builder.add(Permute(node.values.integers("order")), inputs)
      },
      one("reshape", "the same values under another shape", [shape("The shape.")]) { builder, inputs, node in
        try builder.add(Reshape(to: Shape(node.values.integers("shape"))), inputs)
      },
      one("expand", "the value repeated along dimensions that it has once", [shape("The shape.")]) { builder, inputs, node in
        try builder.add(Expand(to: Shape(node.values.integers("shape"))), inputs)
      },
      one("mean", "the mean over dimensions, which stay with an extent of 1", [dimensions("axes", 0...15, "The dimensions.")]) {
        builder, inputs, node in try builder.add(Mean(over: node.values.integers("axes")), inputs)
      },
      one(
        "pad", "a border of one value",
        [
          dimensions("before", 0...65_536, "The values before, for each dimension."),
          dimensions("after", 0...65_536, "The values after, for each dimension."),
          number("value", 0, "The value."),
        ]
      ) { builder, inputs, node in
        let values = node.values
        return try builder.add(
          Pad(before: values.integers("before"), after: values.integers("after"), value: Float(values.number("value"))), inputs)
      },
      one(
        "resize", "an image in another size, each pixel weighed of the four around its place",
        [
          Field("height", .integer(1...65_536), .required, help: "Rows."),
          Field("width", .integer(1...65_536), .required, help: "Columns."),
          Field(
            "grid", .choice(LinearResize.Grid.self), default: .string(LinearResize.Grid.halfPixel.rawValue),
            help:
              "Where a pixel lies in the image: as a square on the same area, with the corners' middles on each other, or by its place alone."
          ),
        ]
      ) { builder, inputs, node in
        let values = node.values
        return try builder.add(
          LinearResize(height: values.integer("height"), width: values.integer("width"), grid: values.word("grid")), inputs)
      },
      one("matmul", "the product of two values as matrices", []) { builder, inputs, _ in try builder.add(MatrixProduct(), inputs) }
        .reading(2...2),
      one("softmax", "the softmax over the last dimension", []) { builder, inputs, _ in try builder.add(Softmax(), inputs) },
      one(
        "attention", "multi-head attention of queries, keys and values side by side",
        [Field("heads", .integer(1...1_024), .required, help: "The heads.")]
      ) { builder, inputs, node in try builder.add(Attention(heads: node.values.integer("heads")), inputs) },
      pointwise("clip", "x within low and high", [number("low", nil, "The lower end."), number("high", nil, "The upper end.")]) {
        .clip(Float($0.number("low"))...max(Float($0.number("low")), Float($0.number("high"))))
      },
      pointwise("scale", "factor times x plus offset", [number("factor", 1, "The factor."), number("offset", 0, "What is added.")]) {
        .scale(factor: Float($0.number("factor")), offset: Float($0.number("offset")))
      },
      pointwise("power", "x to a power", [number("exponent", nil, "The exponent.")]) { .power(Float($0.number("exponent"))) },
      pointwise("sqrt", "the square root", []) { _ in .squareRoot },
      pointwise("reciprocal", "1 / x", []) { _ in .reciprocal },
      pointwise("exp", "the exponential", []) { _ in .exponential },
      pointwise("erf", "the error function", []) { _ in .errorFunction },
      pointwise("round", "the nearest whole number, halves to the even one; the gradient passes as if it changed nothing", []) { _ in .round
      },
    ]

  private static let axis = Field("axis", .integer(0...15), .required, help: "The dimension, counted without the batch.")

  private static func shape(_ help: String) -> Field { dimensions("shape", 1...(1 << 28), help) }

  private static func dimensions(_ name: String, _ range: ClosedRange<Int>, _ help: String) -> Field {
    Field(name, .list(.integer(range), count: 1...16), .required, help: help)
  }

  private static func number(_ name: String, _ value: Double?, _ help: String) -> Field {
    let most = Double(Float.greatestFiniteMagnitude)
    return Field(name, .number(-most...most), value == nil ? .required : .optional, default: value.map(JSONValue.number), help: help)
  }

  private static func one(
    _ name: String, _ summary: String, _ fields: [Field],
    _ append: @escaping @Sendable (inout NodeListBuilder, [Graph.NodeID], NetworkNode) throws -> Graph.NodeID
  ) -> NodeDefinition { NodeDefinition(name: name, summary: summary, fields: fields, inputs: 1...1, append: append) }

  private func reading(_ inputs: ClosedRange<Int>) -> NodeDefinition {
    NodeDefinition(name: name, summary: summary, fields: fields, inputs: inputs, append: append)
  }

  private static func pointwise(
    _ name: String, _ summary: String, _ fields: [Field], _ function: @escaping @Sendable (FieldValues) -> Pointwise.Function
  ) -> NodeDefinition {
    one(name, summary, fields) { builder, inputs, node in try builder.add(Pointwise(function(node.values), label: name), inputs) }
  }
}
