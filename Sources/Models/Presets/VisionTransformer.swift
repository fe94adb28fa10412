import JSON
import TensorEngine

extension Preset {
  static let visionTransformer = Preset(
    name: "vit_tiny",
    description: "a small vision transformer",
    source: "Dosovitskiy et al. 2021, arXiv:2010.11929; timm's vit_tiny, its names and first values",
    parameters: [
      Field("patch", .integer(0...64), default: 0, help: "the pixels of a patch's side; 0: 4, and 16 from 64 pixels on"),
      Field("depth", .integer(1...48), default: 12, help: "the number of blocks"),
      Field("width", .integer(1...2_048), default: 192, help: "the features of a token, a multiple of heads"),
      Field("heads", .integer(1...64), default: 3, help: "the heads of attention"),
    ],
    network: .graph { graph, arguments, classes in
      let width = arguments.integer("width")
      var network = NetworkBuilder(graph)
      try network.patches(of: arguments.integer("patch"), width: width)
      for block in 0..<arguments.integer("depth") {
        try network.transformerBlock("blocks.\(block)", width: width, heads: arguments.integer("heads"))
      }
      // The norm is that of each token by itself, so the others need none.
      try network.firstToken()
      try network.layerNorm("norm")
      try network.linear("head", units: classes, initial: transformerInitial)
      graph = network.graph
    })
}

/// timm draws it cut off at ±2, a hundred deviations away.
private let transformerInitial = ParameterSpecification.Initial.normal(deviation: 0.02)

extension NetworkBuilder {
  /// The image cut into patches, each a token.
  fileprivate mutating func patches(of size: Int, width: Int) throws {
    let image = shape
    guard image.rank == 3 else { throw GraphError("patches are cut from an image [height, width, channels], not \(image)") }
    let side = size > 0 ? size : min(image[0], image[1]) < 64 ? 4 : 16
    guard image[0] % side == 0, image[1] % side == 0 else {
      throw GraphError("an image of \(image[0])×\(image[1]) cannot be cut into patches of \(side)×\(side): give a patch that divides both")
    }
    try conv("patch_embed.proj", filters: width, kernel: side, stride: side, padding: 0, bias: true)
    try tokens(whole: "cls_token", positions: "pos_embed", deviation: 0.02)
  }

  /// Attention and then two linear layers, each after a norm and added to what came in.
  fileprivate mutating func transformerBlock(_ name: String, width: Int, heads: Int) throws {
    guard width % heads == 0 else { throw GraphError("a width of \(width) cannot be cut into \(heads) heads of one size") }
    let input = node
    try layerNorm(name + ".norm1")
    try linear(name + ".attn.qkv", units: 3 * width, initial: transformerInitial)
    try attention(heads: heads)
    try linear(name + ".attn.proj", units: width, initial: transformerInitial)
    try add(input)
    let between = node
    try layerNorm(name + ".norm2")
    try linear(name + ".mlp.fc1", units: 4 * width, initial: transformerInitial)
    try activation(.gelu)
    try linear(name + ".mlp.fc2", units: width, initial: transformerInitial)
    try add(between)
  }
}
