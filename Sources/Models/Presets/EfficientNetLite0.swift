extension Preset {
  static let efficientNetLite0 = Preset(
    name: "efficientnet_lite0",
    description: "EfficientNet without squeeze-and-excitation and with ReLU6, made for images of 224×224",
    source: "Tan and Le 2019, arXiv:1905.11946; timm's efficientnet_lite0, its names and first values",
    parameters: [],
    network: .graph { graph, _, classes in
      var network = NetworkBuilder(graph, convolutions: .kaimingFanOut)
      try network.conv("conv_stem", filters: 32, kernel: 3, stride: 2)
      try network.batchNorm("bn1")
      try network.relu(ceiling: 6)
      for (stage, row) in efficientNetLite0Stages.enumerated() {
        for block in 0..<row.repeats { try network.block("blocks.\(stage).\(block)", row, stride: block == 0 ? row.stride : 1) }
      }
      try network.conv("conv_head", filters: 1_280, kernel: 1)
      try network.batchNorm("bn2")
      try network.relu(ceiling: 6)
      try network.globalAveragePool()
      try network.linear("classifier", units: classes)
      graph = network.graph
    })
}

private typealias Stage = (expansion: Int, kernel: Int, filters: Int, repeats: Int, stride: Int)

/// Table 1 of the paper, with the depth of the lite variant.
private let efficientNetLite0Stages: [Stage] = [
  (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1),
]

extension NetworkBuilder {
  /// timm's `DepthwiseSeparableConv` where nothing is expanded, else its `InvertedResidual`.
  fileprivate mutating func block(_ name: String, _ row: Stage, stride: Int) throws {
    let (input, depth) = (node, channels)
    let hidden = depth * row.expansion
    let isExpanded = row.expansion != 1
    if isExpanded {
      try conv(name + ".conv_pw", filters: hidden, kernel: 1)
      try batchNorm(name + ".bn1")
      try relu(ceiling: 6)
    }
    try conv(name + ".conv_dw", filters: hidden, kernel: row.kernel, stride: stride, groups: hidden)
    try batchNorm(name + (isExpanded ? ".bn2" : ".bn1"))
    try relu(ceiling: 6)
    try conv(name + (isExpanded ? ".conv_pwl" : ".conv_pw"), filters: row.filters, kernel: 1)
    try batchNorm(name + (isExpanded ? ".bn3" : ".bn2"))
    if stride == 1 && depth == row.filters { try add(input) }
  }
}
