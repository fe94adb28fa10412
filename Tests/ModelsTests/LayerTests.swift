import Foundation
import Models
import TensorEngine
import Testing

@Suite("Layers")
struct LayerTests {
  /// Each layer as a document names it with no more than it must, and what it then is.
  static let defaults: [(LayerType, [String: LayerValue], Layer)] = [
    (
      .conv, ["filters": .integer(8), "kernel": .integer(3)],
      .conv(filters: 8, kernel: 3, stride: 1, padding: 0, groups: 1, bias: true)
    ),
    (
      .conv, ["filters": .integer(8), "kernel": .extent(Extent(height: 3, width: 5)), "padding": .extent(Extent(height: 1, width: 2))],
      .conv(filters: 8, kernel: Extent(height: 3, width: 5), padding: Extent(height: 1, width: 2))
    ),
    (
      .maxPool, ["size": .extent(Extent(height: 2, width: 3))],
      .maxPool(size: Extent(height: 2, width: 3), stride: Extent(height: 2, width: 3))
    ),
    (.relu, [:], .relu),
    (.relu6, [:], .relu6), (.gelu, [:], .gelu), (.silu, [:], .silu),
    (.batchNorm, [:], .batchNorm(epsilon: 1e-5, momentum: 0.1)),
    (.batchNorm, ["eps": .number(0.001)], .batchNorm(epsilon: 0.001, momentum: 0.1)),
    (.globalAvgPool, [:], .globalAvgPool),
    (.maxPool, ["size": .integer(3)], .maxPool(size: 3, stride: 3, padding: 0)),
    (.avgPool, ["size": .integer(2), "stride": .integer(1)], .avgPool(size: 2, stride: 1, padding: 0)),
    (.flatten, [:], .flatten),
    (.linear, ["units": .integer(10)], .linear(units: 10, bias: true)),
    (.dropout, [:], .dropout(rate: 0.5)),
    (.dropout, ["rate": .integer(0)], .dropout(rate: 0)),
    (.residual, ["layers": .layers([.relu])], .residual(layers: [.relu], shortcut: [])),
  ]

  @Test("fields left out take their defaults", arguments: defaults)
  func takesDefaults(type: LayerType, values: [String: LayerValue], layer: Layer) throws {
    #expect(try Layer(type, values) == layer)
    #expect(layer.type == type)
    #expect(Set(layer.values.keys) == Set(type.fields.map(\.name)))
  }

  @Test("every type has a layer among the defaults tested") func allTypesAreTested() {
    #expect(Set(Self.defaults.map(\.0)) == Set(LayerType.allCases))
  }

  @Test("a layer survives being written as JSON and read again", arguments: defaults)
  func roundTrips(type: LayerType, values: [String: LayerValue], layer: Layer) throws {
    #expect(try JSONDecoder().decode(Layer.self, from: JSONEncoder().encode(layer)) == layer)
  }

  @Test("all faults of a layer come at once, each with what would be right") func collectsFaults() {
    let error = #expect(throws: LayerError.self) {
      try Layer(.conv, ["kernel": .integer(0), "groups": .boolean(true), "width": .integer(3)])
    }
    #expect(error?.faults.map(\.field) == ["width", "filters", "kernel", "groups"])
    #expect(
      error?.faults.map(\.detail) == [
        "conv has no field width: it has filters, kernel, stride, padding, groups, bias",
        "conv needs filters",
        "kernel of conv must be a whole number from 1 to 1024, or two of them, [height, width]",
        "groups of conv must be a whole number from 1 to 65536",
      ])
  }

  @Test("a dropout of 1, a stride of 0 and an empty residual are refused")
  func refusesValuesOutOfBounds() {
    #expect(throws: LayerError.self) { try Layer(.dropout, ["rate": .number(1)]) }
    #expect(throws: LayerError.self) { try Layer(.dropout, ["rate": .number(-.ulpOfOne)]) }
    #expect(throws: LayerError.self) { try Layer(.maxPool, ["size": .integer(2), "stride": .integer(0)]) }
    #expect(throws: LayerError.self) { try Layer(.residual, ["layers": .layers([])]) }
  }

  @Test("a faulty pooling size is reported once, not again for the stride that follows it") func reportsSizeOnce() {
    let error = #expect(throws: LayerError.self) { try Layer(.maxPool, ["size": .integer(0)]) }
    #expect(error?.faults.map(\.field) == ["size"])
  }

  @Test(
    "JSON with an unknown type, an unknown field or a wrong kind is refused",
    arguments: [
      #"{"type": "swish"}"#, #"{"type": "relu", "slope": 0.1}"#, #"{"type": "linear", "units": "ten"}"#, #"{"units": 10}"#,
      #"{"type": "linear", "units": -1}"#, #"{"type": "residual", "layers": [{"type": "conv"}]}"#,
    ])
  func refusesForeignJSON(json: String) {
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Layer.self, from: Data(json.utf8)) }
  }
}
