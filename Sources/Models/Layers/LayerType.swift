import TensorEngine

/// The layers a list may name.
package enum LayerType: String, CaseIterable, Hashable, Sendable {
  case conv, relu, relu6, gelu, silu
  case batchNorm = "batch_norm"
  case maxPool = "max_pool"
  case avgPool = "avg_pool"
  case globalAvgPool = "global_avg_pool"
  case flatten, linear, dropout, residual

  package var summary: String {
    switch self {
    case .conv: "cross-correlation over the image, as PyTorch's Conv2d"
    case .relu: "max(x, 0)"
    case .relu6: "min(max(x, 0), 6)"
    case .gelu: "x times the normal distribution function at x, as PyTorch's GELU"
    case .silu: "x times the logistic function at x"
    case .batchNorm: "each channel normalised over the batch, as PyTorch's BatchNorm2d"
    case .globalAvgPool: "the mean of each channel over the whole image: a row of features"
    case .maxPool: "the maximum over each window"
    case .avgPool: "the mean over each window; padding counts as zeros"
    case .flatten: "an image as a row of features, channel by channel"
    case .linear: "a fully connected layer"
    case .dropout: "in training, sets each value to zero with probability rate and divides the rest by 1 - rate"
    case .residual: "the sum of what layers and shortcut make of the input; an empty shortcut hands it through"
    }
  }

  /// Its fields, in the order in which they are shown.
  package var fields: [LayerField] {
    switch self {
    case .conv:
      [
        LayerField("filters", .integer(1...65_536), .required),
        LayerField("kernel", .extent(1...1_024), .required),
        LayerField("stride", .extent(1...1_024), .value(.integer(1))),
        LayerField("padding", .extent(0...1_024), .value(.integer(0))),
        LayerField("groups", .integer(1...65_536), .value(.integer(1))),
        LayerField("bias", .boolean, .value(.boolean(true))),
      ]
    case .maxPool, .avgPool:
      [
        LayerField("size", .extent(1...1_024), .required),
        LayerField("stride", .extent(1...1_024), .field("size")),
        LayerField("padding", .extent(0...512), .value(.integer(0))),
      ]
    case .linear:
      [
        LayerField("units", .integer(1...65_536), .required),
        LayerField("bias", .boolean, .value(.boolean(true))),
      ]
    case .dropout: [LayerField("rate", .number(0..<1), .value(.number(0.5)))]
    case .residual:
      [
        LayerField("layers", .layers(minimum: 1), .required),
        LayerField("shortcut", .layers(minimum: 0), .value(.layers([]))),
      ]
    case .batchNorm:
      [
        LayerField("eps", .number(0..<1), .value(.number(1e-5))),
        LayerField("momentum", .number(0..<1), .value(.number(0.1))),
      ]
    case .relu, .relu6, .gelu, .silu, .globalAvgPool, .flatten: []
    }
  }
}

/// A field of a layer: its name, what it takes, and what it is when left out.
package struct LayerField: Sendable {
  package enum Kind: Hashable, Sendable {
    case integer(ClosedRange<Int>)
    /// A whole number for both directions of an image, or a list of two, for height and width.
    case extent(ClosedRange<Int>)
    case number(Range<Double>)
    case boolean
    /// A list of at least so many layers.
    case layers(minimum: Int)
  }

  package enum Default: Hashable, Sendable {
    case required
    case value(LayerValue)
    /// The value of another field that stands before it.
    case field(String)
  }

  package let name: String
  package let kind: Kind
  package let `default`: Default

  init(_ name: String, _ kind: Kind, _ default: Default) {
    self.name = name
    self.kind = kind
    self.default = `default`
  }

  package var isRequired: Bool { self.default == .required }

  /// The value it takes when left out, given those of the fields before it.
  func fallback(_ earlier: [String: LayerValue]) -> LayerValue? {
    switch self.default {
    case .required: nil
    case .value(let value): value
    case .field(let name): earlier[name]
    }
  }

  /// What the value must be instead, or `nil` when it may stand.
  func fault(_ value: LayerValue) -> String? {
    switch (kind, value) {
    case (.integer(let range), .integer(let value)) where range.contains(value): nil
    case (.extent(let range), .integer(let value)) where range.contains(value): nil
    case (.extent(let range), .extent(let value)) where range.contains(value.height) && range.contains(value.width): nil
    case (.number(let range), .number(let value)) where range.contains(value): nil
    case (.number(let range), .integer(let value)) where range.contains(Double(value)): nil
    case (.boolean, .boolean): nil
    case (.layers(let minimum), .layers(let layers)) where layers.count >= minimum: nil
    default: kind.requirement
    }
  }
}

extension LayerField.Kind {
  /// What a value must be, to go after "must be".
  package var requirement: String {
    switch self {
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .extent(let range): "a whole number from \(range.lowerBound) to \(range.upperBound), or two of them, [height, width]"
    case .number(let range): "a number in [\(range.lowerBound), \(range.upperBound))"
    case .boolean: "true or false"
    case .layers(let minimum): minimum == 0 ? "a list of layers" : "a list of at least \(minimum) \(minimum == 1 ? "layer" : "layers")"
    }
  }
}

/// The value of a layer's field.
package enum LayerValue: Hashable, Sendable {
  case integer(Int)
  case extent(Extent)
  case number(Double)
  case boolean(Bool)
  case layers([Layer])
}
