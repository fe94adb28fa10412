extension Preset {
  static let mlp = Preset(
    name: "mlp",
    description: "fully connected layers with ReLU between them",
    source: "two hidden layers of 512, as the first example of PyTorch's tutorial",
    parameters: [
      PresetParameter(
        name: "hidden", description: "the units of each hidden layer", kind: .integers(count: 1...32, each: 1...65_536),
        default: .integers([512, 512]))
    ],
    network: .layers { arguments, classes in
      [.flatten] + arguments.integers("hidden").flatMap { [.linear(units: $0), .relu] } + [.linear(units: classes)]
    })
}
