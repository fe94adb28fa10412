import JSON

extension Preset {
  static let mlp = Preset(
    name: "mlp",
    description: "fully connected layers with ReLU between them",
    source: "two hidden layers of 512, as the first example of PyTorch's tutorial",
    parameters: [
      Field("hidden", .list(.integer(1...65_536), count: 1...32), default: [512, 512], help: "the units of each hidden layer")
    ],
    network: .layers { arguments, classes in
      [.flatten] + arguments.integers("hidden").flatMap { [.linear(units: $0), .relu] } + [.linear(units: classes)]
    })
}
