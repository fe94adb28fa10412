import JSON
import Models
import TensorEngine
import Testing

@Suite("Layers")
struct LayerTests {
  /// Each layer as a document names it with no more than it must, and what it then is.
  static let defaults: [(JSONValue, Layer)] = [
    (["type": "conv", "filters": 8, "kernel": 3], .conv(filters: 8, kernel: 3, stride: 1, padding: 0, groups: 1, bias: true)),
    (
      ["type": "conv", "filters": 8, "kernel": [3, 5], "padding": [1, 2]],
      .conv(filters: 8, kernel: Extent(height: 3, width: 5), padding: Extent(height: 1, width: 2))
    ),
    (
      ["type": "max_pool", "size": [2, 3]],
      .maxPool(size: Extent(height: 2, width: 3), stride: Extent(height: 2, width: 3))
    ),
    (
      ["type": "conv", "filters": 8, "kernel": 3, "dilation": [2, 3]],
      .conv(filters: 8, kernel: 3, dilation: Extent(height: 2, width: 3))
    ),
    (["type": "leaky_relu"], .leakyReLU(slope: 0.01)), (["type": "sigmoid"], .sigmoid), (["type": "tanh"], .tanh),
    (["type": "hard_sigmoid"], .hardSigmoid(slope: 1.0 / 6, offset: 0.5)), (["type": "hard_swish"], .hardSwish),
    (["type": "layer_norm"], .layerNorm(epsilon: 1e-5)),
    (["type": "relu"], .relu), (["type": "relu6"], .relu6), (["type": "gelu"], .gelu), (["type": "silu"], .silu),
    (["type": "batch_norm"], .batchNorm(epsilon: 1e-5, momentum: 0.1)),
    (["type": "batch_norm", "eps": 0.001], .batchNorm(epsilon: 0.001, momentum: 0.1)),
    (["type": "global_avg_pool"], .globalAvgPool), (["type": "max_pool", "size": 3], .maxPool(size: 3, stride: 3, padding: 0)),
    (["type": "avg_pool", "size": 2, "stride": 1], .avgPool(size: 2, stride: 1, padding: 0)), (["type": "flatten"], .flatten),
    (["type": "linear", "units": 10], .linear(units: 10, bias: true)), (["type": "dropout"], .dropout(rate: 0.5)),
    (["type": "dropout", "rate": 0], .dropout(rate: 0)),
    (["type": "residual", "layers": [["type": "relu"]]], .residual(layers: [.relu], shortcut: [])),
    (
      ["type": "residual", "layers": [["type": "relu"]], "shortcut": [["type": "residual", "layers": [["type": "flatten"]]]]],
      .residual(layers: [.relu], shortcut: [.residual(layers: [.flatten])])
    ),
  ]

  private func read(_ document: JSONValue) -> (layer: Layer, faults: [FieldFault]) {
    let reader = FieldReader()
    return (Layer(reader.object(document, as: Layer.object)), reader.log.faults)
  }

  @Test("fields that are left out take their defaults", arguments: defaults)
  func takesDefaults(document: JSONValue, layer: Layer) throws {
    let read = read(document)
    #expect(read.faults.isEmpty)
    #expect(read.layer == layer)
    #expect(layer.type.rawValue == document["type"]?.string)
  }

  @Test("every type has a layer among the defaults tested") func allTypesAreTested() {
    #expect(Set(Self.defaults.map(\.1.type)) == Set(LayerType.allCases))
  }

  @Test("a layer that was written out reads as itself", arguments: defaults)
  func roundTrips(document: JSONValue, layer: Layer) throws {
    let written = layer.json
    #expect(read(written).layer == layer)
    #expect(try read(JSONValue(parsing: written.serialised())).layer == layer)
    #expect(Set(layer.type.fields.map(\.name) + ["type"]) == Set(layer.values().keys).union(["type"]))
  }

  @Test("all faults of a layer come at once, each with what would be right") func collectsFaults() {
    let faults = read(["type": "conv", "kernel": 0, "groups": true, "width": 3]).faults
    #expect(faults.map(\.pointer) == ["/filters", "/kernel", "/groups", "/width"])
    #expect(
      faults.map(\.detail) == [
        "filters is required", "must be from 1 to 1024, not 0", "must be a whole number, not a boolean",
        "there is no field \"width\"; known here: bias, dilation, filters, groups, kernel, padding, stride, type",
      ])
  }

  @Test(
    "a value out of bounds, an unknown type or field, and a wrong kind are refused with their place",
    arguments: [
      (["type": "dropout", "rate": 1], "/rate"), (["type": "dropout", "rate": .number(-.ulpOfOne)], "/rate"),
      (["type": "max_pool", "size": 2, "stride": 0], "/stride"), (["type": "max_pool", "size": 0], "/size"),
      (["type": "residual", "layers": []], "/layers"), (["type": "swish"], "/type"), (["type": "relu", "slope": 0.1], "/slope"),
      (["type": "linear", "units": "ten"], "/units"), (["units": 10], "/type"), (["type": "linear", "units": -1], "/units"),
      (["type": "residual", "layers": [["type": "dropout", "rate": 2]]], "/layers/0/rate"),
    ] as [(JSONValue, String)])
  func refuses(document: JSONValue, pointer: String) {
    #expect(read(document).faults.map(\.pointer) == [pointer])
  }
}
