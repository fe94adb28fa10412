extension Preset {
  static let lenet = Preset(
    name: "lenet",
    description: "two convolutions of 3×3 (32 and 64 filters) with pooling, a hidden layer of 128",
    source: "after LeCun et al. 1998, \"Gradient-based learning applied to document recognition\"; ReLU and maximum as is usual today",
    parameters: [],
    network: .layers { _, classes in
      [
        .conv(filters: 32, kernel: 3, padding: 1), .relu, .maxPool(size: 2, stride: 2),
        .conv(filters: 64, kernel: 3, padding: 1), .relu, .maxPool(size: 2, stride: 2),
        .flatten, .linear(units: 128), .relu, .linear(units: classes),
      ]
    })
}
