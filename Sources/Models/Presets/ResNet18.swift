import JSON

extension Preset {
  static let resNet18 = Preset(
    name: "resnet18",
    description: "a residual network of 18 layers",
    source: "He et al. 2016, arXiv:1512.03385; torchvision's resnet18, its names and first values",
    parameters: [
      Field("width", .integer(1...1_024), default: 64, help: "the filters of the first stage"),
      Field(
        "stem", .choice(["auto", "cifar", "imagenet"]), default: "auto",
        help: "imagenet: 7×7 with stride 2, then pooling; cifar: 3×3; auto: imagenet from 64 pixels on"),
    ],
    network: .graph { graph, arguments, classes in
      let width = arguments.integer("width")
      var network = NetworkBuilder(graph, convolutions: .kaimingFanOut)
      try network.stem(arguments.text("stem"), filters: width)
      for stage in 0..<4 {
        for block in 0..<2 {
          try network.residualBlock("layer\(stage + 1).\(block)", filters: width << stage, stride: stage > 0 && block == 0 ? 2 : 1)
        }
      }
      try network.globalAveragePool()
      try network.linear("fc", units: classes)
      graph = network.graph
    })
}

extension NetworkBuilder {
  fileprivate mutating func stem(_ kind: String, filters: Int) throws {
    let isLarge = kind == "imagenet" || kind == "auto" && shape.rank == 3 && min(shape[0], shape[1]) >= 64
    try conv("conv1", filters: filters, kernel: isLarge ? 7 : 3, stride: isLarge ? 2 : 1)
    try batchNorm("bn1")
    try relu()
    if isLarge { try maxPool(3, stride: 2, padding: 1) }
  }

  /// conv1, bn1, ReLU, conv2, bn2, the sum with the shortcut, ReLU.
  fileprivate mutating func residualBlock(_ name: String, filters: Int, stride: Int) throws {
    let input = node
    var shortcut = input
    if stride != 1 || channels != filters {
      try conv(name + ".downsample.0", filters: filters, kernel: 1, stride: stride)
      try batchNorm(name + ".downsample.1")
      shortcut = node
      go(to: input)
    }
    try conv(name + ".conv1", filters: filters, kernel: 3, stride: stride)
    try batchNorm(name + ".bn1")
    try relu()
    try conv(name + ".conv2", filters: filters, kernel: 3)
    try batchNorm(name + ".bn2")
    try add(shortcut)
    try relu()
  }
}
