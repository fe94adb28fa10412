extension Preset {
  static let madryCNN = Preset(
    name: "madry_cnn",
    description: "two convolutions of 5×5 (32 and 64 filters) with pooling, a hidden layer of 1024",
    source: "Madry et al. 2018, arXiv:1706.06083; model.py of github.com/MadryLab/mnist_challenge",
    parameters: [],
    network: .layers { _, classes in
      [
        .conv(filters: 32, kernel: 5, padding: 2), .relu, .maxPool(size: 2, stride: 2),
        .conv(filters: 64, kernel: 5, padding: 2), .relu, .maxPool(size: 2, stride: 2),
        .flatten, .linear(units: 1_024), .relu, .linear(units: classes),
      ]
    })
}
