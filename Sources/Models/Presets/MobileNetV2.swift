import JSON

extension Preset {
  static let mobileNetV2 = Preset(
    name: "mobilenet_v2",
    description: "a small network of inverted residuals, made for images of 224×224",
    source: "Sandler et al. 2018, arXiv:1801.04381; torchvision's mobilenet_v2, its names and first values; Keras's MobileNetV2 by padding",
    parameters: [
      Field("dropout", .number(0...0.99), default: 0.2, help: "the rate of dropout before the last layer"),
      Field(
        "padding", .choice(["torch", "keras"]), default: "torch",
        help:
          "`keras` for weights of Keras: where a stride halves the image it pads behind alone, and batch norm adds 1e-3 to the variance",
        neutral: "torch"
      ),
    ],
    network: .graph { graph, arguments, classes in
      var network = NetworkBuilder(graph, convolutions: .kaimingFanOut)
      network.isKeras = arguments.text("padding") == "keras"
      try network.convNormReLU6("features.0", filters: 32, kernel: 3, stride: 2)
      var index = 1
      for (expansion, filters, repeats, stride) in mobileNetV2Stages {
        for block in 0..<repeats {
          try network.invertedResidual("features.\(index)", expansion: expansion, filters: filters, stride: block == 0 ? stride : 1)
          index += 1
        }
      }
      try network.convNormReLU6("features.\(index)", filters: 1_280, kernel: 1)
      try network.globalAveragePool()
      try network.dropout(rate: Float(arguments.number("dropout")))
      try network.linear("classifier.1", units: classes, initial: .normal(deviation: 0.01))
      graph = network.graph
    })
}

/// Table 2 of the paper: expansion, filters, repeats, and the stride of the first.
private let mobileNetV2Stages = [
  (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
]

extension NetworkBuilder {
  /// Keras's `BatchNormalization(epsilon=1e-3)` of this network; PyTorch's default.
  private var normEpsilon: Float { isKeras ? 1e-3 : 1e-5 }

  /// What Keras's `correct_pad` adds before a convolution without padding: of an even side one row less in front.
  private mutating func padLikeKeras(kernel: Int, stride: Int) throws {
    guard isKeras, stride > 1 else { return }
    let half = kernel / 2
    let front = shape.dimensions.prefix(2).map { half - (1 - $0 % 2) } + [0]
    try pad(before: front, after: [half, half, 0])
  }

  fileprivate mutating func convNormReLU6(_ name: String, filters: Int, kernel: Int, stride: Int = 1, groups: Int = 1) throws {
    try padLikeKeras(kernel: kernel, stride: stride)
    try conv(name + ".0", filters: filters, kernel: kernel, stride: stride, padding: isKeras && stride > 1 ? 0 : nil, groups: groups)
    try batchNorm(name + ".1", epsilon: normEpsilon)
    try relu(ceiling: 6)
  }

  /// Expansion by 1×1, a depthwise 3×3, projection by 1×1, and the sum with the input where the shapes agree.
  fileprivate mutating func invertedResidual(_ name: String, expansion: Int, filters: Int, stride: Int) throws {
    let (input, depth) = (node, channels)
    let hidden = depth * expansion
    let first = expansion == 1 ? 0 : 1
    if expansion != 1 { try convNormReLU6("\(name).conv.0", filters: hidden, kernel: 1) }
    try convNormReLU6("\(name).conv.\(first)", filters: hidden, kernel: 3, stride: stride, groups: hidden)
    try conv("\(name).conv.\(first + 1)", filters: filters, kernel: 1)
    try batchNorm("\(name).conv.\(first + 2)", epsilon: normEpsilon)
    if stride == 1 && depth == filters { try add(input) }
  }
}
