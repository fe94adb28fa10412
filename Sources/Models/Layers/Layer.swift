import JSON
import TensorEngine

/// An entry of a network's layer list, with every default filled in.
///
/// The values of a list that came from outside are within `LayerType.fields`' bounds, because it was read by them; whether the layers fit
/// the image and each other shows when the graph is built.
package indirect enum Layer: Hashable, Sendable {
  /// Cross-correlation by `filters` kernels, as PyTorch's `Conv2d`.
  case conv(filters: Int, kernel: Extent, stride: Extent = 1, padding: Extent = 0, dilation: Extent = 1, groups: Int = 1, bias: Bool = true)
  case relu
  /// min(max(x, 0), 6)
  case relu6
  /// x Φ(x), by the error function
  case gelu
  /// x σ(x)
  case silu
  case leakyReLU(slope: Double = 0.01)
  case sigmoid
  case tanh
  /// max(0, min(1, slope · x + offset))
  case hardSigmoid(slope: Double = 1.0 / 6, offset: Double = 0.5)
  case hardSwish
  /// As PyTorch's `LayerNorm` over the last dimension.
  case layerNorm(epsilon: Double = 1e-5)
  /// As PyTorch's `BatchNorm2d`.
  case batchNorm(epsilon: Double = 1e-5, momentum: Double = 0.1)
  /// An image to the mean of each channel, a row of features.
  case globalAvgPool
  case maxPool(size: Extent, stride: Extent, padding: Extent = 0)
  /// Padding counts as zeros, as in PyTorch's `AvgPool2d`.
  case avgPool(size: Extent, stride: Extent, padding: Extent = 0)
  /// An image as a row of features, channel by channel; what is a row already stays as it is.
  case flatten
  case linear(units: Int, bias: Bool = true)
  case dropout(rate: Double = 0.5)
  /// The sum of what `layers` make of the input and what `shortcut` makes of it (itself, when that is empty).
  case residual(layers: [Layer], shortcut: [Layer] = [])

  package var type: LayerType {
    switch self {
    case .conv: .conv
    case .relu: .relu
    case .relu6: .relu6
    case .gelu: .gelu
    case .silu: .silu
    case .leakyReLU: .leakyReLU
    case .sigmoid: .sigmoid
    case .tanh: .tanh
    case .hardSigmoid: .hardSigmoid
    case .hardSwish: .hardSwish
    case .layerNorm: .layerNorm
    case .batchNorm: .batchNorm
    case .globalAvgPool: .globalAvgPool
    case .maxPool: .maxPool
    case .avgPool: .avgPool
    case .flatten: .flatten
    case .linear: .linear
    case .dropout: .dropout
    case .residual: .residual
    }
  }

  /// A layer as it was read by `Layer.object`.
  package init(_ values: FieldValues) {
    switch values.word("type", as: LayerType.self) {
    case .conv:
      self = .conv(
        filters: values.integer("filters"), kernel: Extent(values, "kernel"), stride: Extent(values, "stride"),
        padding: Extent(values, "padding"), dilation: Extent(values, "dilation"), groups: values.integer("groups"),
        bias: values.flag("bias"))
    case .relu: self = .relu
    case .maxPool: self = .maxPool(size: Extent(values, "size"), stride: Extent(values, "stride"), padding: Extent(values, "padding"))
    case .avgPool: self = .avgPool(size: Extent(values, "size"), stride: Extent(values, "stride"), padding: Extent(values, "padding"))
    case .relu6: self = .relu6
    case .gelu: self = .gelu
    case .silu: self = .silu
    case .leakyReLU: self = .leakyReLU(slope: values.number("slope"))
    case .sigmoid: self = .sigmoid
    case .tanh: self = .tanh
    case .hardSigmoid: self = .hardSigmoid(slope: values.number("slope"), offset: values.number("offset"))
    case .hardSwish: self = .hardSwish
    case .layerNorm: self = .layerNorm(epsilon: values.number("eps"))
    case .batchNorm: self = .batchNorm(epsilon: values.number("eps"), momentum: values.number("momentum"))
    case .globalAvgPool: self = .globalAvgPool
    case .flatten: self = .flatten
    case .linear: self = .linear(units: values.integer("units"), bias: values.flag("bias"))
    case .dropout: self = .dropout(rate: values.number("rate"))
    case .residual:
      self = .residual(layers: values.sections("layers").map(Layer.init), shortcut: values.sections("shortcut").map(Layer.init))
    }
  }

  /// The value of each of `type.fields`, by name; within lists, each layer as `nested` writes it.
  package func values(_ nested: (Layer) -> JSONValue = \.json) -> [String: JSONValue] {
    switch self {
    case .conv(let filters, let kernel, let stride, let padding, let dilation, let groups, let bias):
      [
        "filters": .int(Int64(filters)), "kernel": kernel.json, "stride": stride.json, "padding": padding.json,
        "dilation": dilation.json, "groups": .int(Int64(groups)), "bias": .bool(bias),
      ]
    case .maxPool(let size, let stride, let padding), .avgPool(let size, let stride, let padding):
      ["size": size.json, "stride": stride.json, "padding": padding.json]
    case .linear(let units, let bias): ["units": .int(Int64(units)), "bias": .bool(bias)]
    case .dropout(let rate): ["rate": .number(rate)]
    case .residual(let layers, let shortcut): ["layers": .array(layers.map(nested)), "shortcut": .array(shortcut.map(nested))]
    case .batchNorm(let epsilon, let momentum): ["eps": .number(epsilon), "momentum": .number(momentum)]
    case .leakyReLU(let slope): ["slope": .number(slope)]
    case .hardSigmoid(let slope, let offset): ["slope": .number(slope), "offset": .number(offset)]
    case .layerNorm(let epsilon): ["eps": .number(epsilon)]
    case .relu, .relu6, .gelu, .silu, .sigmoid, .tanh, .hardSwish, .globalAvgPool, .flatten: [:]
    }
  }

  /// With every field written out but those that change nothing.
  package var json: JSONValue {
    let values = values()
    var object: JSONObject = ["type": .string(type.rawValue)]
    for field in type.fields {
      let value = values[field.name] ?? .null
      if value == .null || value != field.neutral { object[field.name] = value }
    }
    return .object(object)
  }
}

extension Extent {
  fileprivate init(_ values: FieldValues, _ name: String) {
    let both = values.extent(name)
    self.init(height: both.height, width: both.width)
  }

  /// One number where it holds for both directions, else `[height, width]`.
  fileprivate var json: JSONValue { both.map { .int(Int64($0)) } ?? [.int(Int64(height)), .int(Int64(width))] }
}
