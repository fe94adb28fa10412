import TensorEngine

/// An entry of a network's layer list, with every default filled in.
///
/// The values of a list that came from outside are within `LayerType.fields`' bounds, because it was made by `init(_:_:)`; whether
/// the layers fit the image and each other shows when the graph is built.
package indirect enum Layer: Hashable, Sendable {
  /// Cross-correlation by `filters` kernels, as PyTorch's `Conv2d`.
  case conv(filters: Int, kernel: Extent, stride: Extent = 1, padding: Extent = 0, groups: Int = 1, bias: Bool = true)
  case relu
  /// min(max(x, 0), 6)
  case relu6
  /// x Φ(x), by the error function
  case gelu
  /// x σ(x)
  case silu
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

  /// The value of each of `type.fields`, by name.
  package var values: [String: LayerValue] {
    switch self {
    case .conv(let filters, let kernel, let stride, let padding, let groups, let bias):
      [
        "filters": .integer(filters), "kernel": .extent(kernel), "stride": .extent(stride), "padding": .extent(padding),
        "groups": .integer(groups), "bias": .boolean(bias),
      ]
    case .maxPool(let size, let stride, let padding), .avgPool(let size, let stride, let padding):
      ["size": .extent(size), "stride": .extent(stride), "padding": .extent(padding)]
    case .linear(let units, let bias): ["units": .integer(units), "bias": .boolean(bias)]
    case .dropout(let rate): ["rate": .number(rate)]
    case .residual(let layers, let shortcut): ["layers": .layers(layers), "shortcut": .layers(shortcut)]
    case .batchNorm(let epsilon, let momentum): ["eps": .number(epsilon), "momentum": .number(momentum)]
    case .relu, .relu6, .gelu, .silu, .globalAvgPool, .flatten: [:]
    }
  }

  /// A layer from the fields of a document; those left out take their defaults.
  ///
  /// - Throws: every field that is unknown, missing, of another kind or out of bounds.
  package init(_ type: LayerType, _ values: [String: LayerValue]) throws(LayerError) {
    let fields = try CheckedFields(type, values)
    switch type {
    case .conv:
      self = .conv(
        filters: fields.integer("filters"), kernel: fields.extent("kernel"), stride: fields.extent("stride"),
        padding: fields.extent("padding"), groups: fields.integer("groups"), bias: fields.boolean("bias"))
    case .relu: self = .relu
    case .maxPool:
      self = .maxPool(size: fields.extent("size"), stride: fields.extent("stride"), padding: fields.extent("padding"))
    case .avgPool:
      self = .avgPool(size: fields.extent("size"), stride: fields.extent("stride"), padding: fields.extent("padding"))
    case .relu6: self = .relu6
    case .gelu: self = .gelu
    case .silu: self = .silu
    case .batchNorm: self = .batchNorm(epsilon: fields.number("eps"), momentum: fields.number("momentum"))
    case .globalAvgPool: self = .globalAvgPool
    case .flatten: self = .flatten
    case .linear: self = .linear(units: fields.integer("units"), bias: fields.boolean("bias"))
    case .dropout: self = .dropout(rate: fields.number("rate"))
    case .residual: self = .residual(layers: fields.layers("layers"), shortcut: fields.layers("shortcut"))
    }
  }
}

/// Every fault of the fields of one layer.
package struct LayerError: Error, Hashable, Sendable, CustomStringConvertible {
  package struct Fault: Hashable, Sendable {
    package let field: String
    /// A sentence that names the layer type and what would be right.
    package let detail: String
  }

  package let faults: [Fault]
  package var description: String { faults.map(\.detail).joined(separator: "; ") }
}

/// The fields of one layer after they were held against the table: all there, of their kind, within bounds.
private struct CheckedFields {
  private let type: LayerType
  private var values: [String: LayerValue] = [:]

  init(_ type: LayerType, _ given: [String: LayerValue]) throws(LayerError) {
    self.type = type
    var faults: [LayerError.Fault] = []
    for name in given.keys.sorted() where !type.fields.contains(where: { $0.name == name }) {
      let known = type.fields.isEmpty ? "it has none" : "it has \(type.fields.map(\.name).joined(separator: ", "))"
      faults.append(.init(field: name, detail: "\(type.rawValue) has no field \(name): \(known)"))
    }
    for field in type.fields {
      guard let value = given[field.name] ?? field.fallback(values) else {
        // A default that is another field's value is missing with it; the other field's fault says enough.
        if field.isRequired { faults.append(.init(field: field.name, detail: "\(type.rawValue) needs \(field.name)")) }
        continue
      }
      if let wrong = field.fault(value) {
        faults.append(.init(field: field.name, detail: "\(field.name) of \(type.rawValue) must be \(wrong)"))
      } else {
        values[field.name] = value
      }
    }
    guard faults.isEmpty else { throw LayerError(faults: faults) }
  }

  func integer(_ name: String) -> Int {
    guard case .integer(let value)? = values[name] else { unreachable(name) }
    return value
  }

  func extent(_ name: String) -> Extent {
    switch values[name] {
    case .extent(let value)?: return value
    case .integer(let value)?: return Extent(value)
    default: unreachable(name)
    }
  }

  func number(_ name: String) -> Double {
    switch values[name] {
    case .number(let value)?: return value
    case .integer(let value)?: return Double(value)
    default: unreachable(name)
    }
  }

  func boolean(_ name: String) -> Bool {
    guard case .boolean(let value)? = values[name] else { unreachable(name) }
    return value
  }

  func layers(_ name: String) -> [Layer] {
    guard case .layers(let value)? = values[name] else { unreachable(name) }
    return value
  }

  private func unreachable(_ name: String) -> Never {
    preconditionFailure("the table of fields of \(type.rawValue) does not give \(name) as its layer reads it")
  }
}
