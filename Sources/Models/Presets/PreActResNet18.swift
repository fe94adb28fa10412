import JSON

extension Preset {
  static let preActResNet18 = Preset(
    name: "preact_resnet18",
    description: "a residual network for small images with batch norm and ReLU before each convolution",
    source: "He et al. 2016, arXiv:1603.05027; RobustBench's PreActResNet of PreActBlockV2 with bn_before_fc, its names",
    parameters: [
      Field("width", .integer(1...1_024), default: 64, help: "the filters of the first stage")
    ],
    network: .graph { graph, arguments, classes in
      let width = arguments.integer("width")
      var network = NetworkBuilder(graph)
      try network.conv("conv1", filters: width, kernel: 3)
      for stage in 0..<4 {
        for block in 0..<2 {
          let (filters, stride) = (width << stage, stage > 0 && block == 0 ? 2 : 1)
          try network.preActivationBlock(
            "layer\(stage + 1).\(block)", filters: filters, stride: stride, shortcut: "shortcut.0",
            isProjected: stride != 1 || network.channels != filters)
        }
      }
      try network.batchNorm("bn")
      try network.relu()
      try network.globalAveragePool()
      try network.linear("linear", units: classes)
      graph = network.graph
    })
}
