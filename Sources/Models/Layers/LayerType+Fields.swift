import JSON

extension LayerType {
  /// Its fields, in the order in which they are shown.
  package var fields: [Field] {
    switch self {
    case .conv:
      [
        Field("filters", .integer(1...65_536), .required, help: "Channels of its output."),
        Field("kernel", .extent(1...1_024), .required, help: "Rows and columns of a kernel."),
        Field("stride", .extent(1...1_024), default: 1, help: "Pixels from one place of the kernel to the next."),
        Field("padding", .extent(0...1_024), default: 0, help: "Zeros added at each side."),
        Field(
          "dilation", .extent(1...1_024), default: 1, help: "Pixels from one value of the kernel to the next.", neutral: 1),
        Field("groups", .integer(1...65_536), default: 1, help: "Groups of channels, each read by filters of its own."),
        Self.bias,
      ]
    case .maxPool, .avgPool:
      [
        Field("size", .extent(1...1_024), .required, help: "Rows and columns of the window."),
        Field("stride", .extent(1...1_024), .sameAs("size"), help: "Pixels from one window to the next."),
        Field("padding", .extent(0...512), default: 0, help: "Pixels added at each side."),
      ]
    case .linear: [Field("units", .integer(1...65_536), .required, help: "Features of its output."), Self.bias]
    case .dropout: [Field("rate", .number(0..<1), default: 0.5, help: "The probability that a value is set to zero.")]
    case .residual:
      [
        Field("layers", .list(.object(Layer.object), count: 1...Layer.most), .required, help: "The body."),
        Field(
          "shortcut", .list(.object(Layer.object), count: 0...Layer.most), default: [], help: "The way beside it; empty: the input itself."),
      ]
    case .batchNorm:
      [
        Field("eps", .number(0..<1), default: 1e-5, help: "What is added to the variance."),
        Field("momentum", .number(0..<1), default: 0.1, help: "The part of a batch in the running statistics."),
      ]
    case .leakyReLU: [Field("slope", .number(0...1), default: 0.01, help: "The factor below 0.")]
    case .hardSigmoid:
      [
        Field("slope", .number(-1_000...1_000), default: .number(1.0 / 6), help: "The slope between the ends."),
        Field("offset", .number(-1_000...1_000), default: 0.5, help: "The value at 0."),
      ]
    case .layerNorm: [Field("eps", .number(0..<1), default: 1e-5, help: "What is added to the variance.")]
    case .relu, .relu6, .gelu, .silu, .sigmoid, .tanh, .hardSwish, .globalAvgPool, .flatten: []
    }
  }

  private static let bias = Field("bias", .boolean, default: true, help: "Whether a bias is added.")
}

extension Layer {
  /// The most entries of a list.
  package static let most = 1_000

  /// The form of a layer in a document: `{"type": "conv", "filters": 16, "kernel": 3, …}`.
  package static var object: ObjectType {
    ObjectType(
      "Layer", "A layer of a network of one's own, by its type.",
      variants: Variants(
        "type",
        LayerType.allCases.map {
          Variants.Variant($0.rawValue, "\($0.summary.prefix(1).uppercased() + $0.summary.dropFirst()).", $0.fields)
        },
        help: "Which layer."))
  }
}
