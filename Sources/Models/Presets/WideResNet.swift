import JSON
import TensorEngine

extension Preset {
  static let wideResNet = Preset(
    name: "wide_resnet",
    description: "a residual network for small images: few layers, many filters",
    source: "Zagoruyko and Komodakis 2016, arXiv:1605.07146; RobustBench's WideResNet without sub_block1, its names",
    parameters: [
      Field("depth", .integer(10...124), default: 28, help: "layers with weights: 6 n + 4"),
      Field("width", .integer(1...64), default: 10, help: "by how much the stages of 16, 32 and 64 filters are widened"),
    ],
    network: .graph { graph, arguments, classes in
      let (depth, width) = (arguments.integer("depth"), arguments.integer("width"))
      guard (depth - 4) % 6 == 0 else { throw GraphError("the depth of a wide_resnet is 6 n + 4 (16, 28, 34, 70), not \(depth)") }
      var network = NetworkBuilder(graph, convolutions: .kaimingFanOut)
      try network.conv("conv1", filters: 16, kernel: 3)
      for stage in 0..<3 {
        for block in 0..<(depth - 4) / 6 {
          let filters = (16 * width) << stage
          try network.preActivationBlock(
            "block\(stage + 1).layer.\(block)", filters: filters, stride: stage > 0 && block == 0 ? 2 : 1, shortcut: "convShortcut",
            isProjected: network.channels != filters)
        }
      }
      try network.batchNorm("bn1")
      try network.relu()
      try network.globalAveragePool()
      try network.linear("fc", units: classes)
      graph = network.graph
    })
}
