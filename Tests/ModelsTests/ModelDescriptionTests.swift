import JSON
import Models
import TensorEngine
import Testing

@Suite("Model descriptions")
struct ModelDescriptionTests {
  /// Each preset, the shape of its images, and its weights as PyTorch names and shapes them.
  static let presets: [(String, Shape, [(String, Shape)])] = [
    ("linear", [8, 8, 1], [("1.weight", [10, 64]), ("1.bias", [10])]),
    (
      "mlp", [28, 28, 1],
      [
        ("1.weight", [512, 784]), ("1.bias", [512]), ("3.weight", [512, 512]), ("3.bias", [512]), ("5.weight", [10, 512]),
        ("5.bias", [10]),
      ]
    ),
    (
      "lenet", [8, 8, 1],
      [
        ("0.weight", [32, 1, 3, 3]), ("0.bias", [32]), ("3.weight", [64, 32, 3, 3]), ("3.bias", [64]), ("7.weight", [128, 256]),
        ("7.bias", [128]), ("9.weight", [10, 128]), ("9.bias", [10]),
      ]
    ),
    (
      "madry_cnn", [28, 28, 1],
      [
        ("0.weight", [32, 1, 5, 5]), ("0.bias", [32]), ("3.weight", [64, 32, 5, 5]), ("3.bias", [64]), ("7.weight", [1024, 3136]),
        ("7.bias", [1024]), ("9.weight", [10, 1024]), ("9.bias", [10]),
      ]
    ),
  ]

  @Test("a preset has the weights of PyTorch's Sequential", arguments: presets)
  func presetsHavePyTorchNames(name: String, input: Shape, weights: [(String, Shape)]) throws {
    let graph = try ModelDescription(.preset(name)).graph(input: input, classes: 10)
    #expect(graph.layout.parameters.map(\.name) == weights.map(\.0))
    #expect(graph.layout.parameters.map(\.shape) == weights.map(\.1))
    #expect(graph.outputShape == [10])
  }

  @Test("every preset is tested, and describes itself") func allPresetsAreTested() {
    let larger = ArchitectureTests.networks.map { name in Preset.all.first { name.hasPrefix($0.name) }?.name ?? name }
    #expect(Set(Preset.all.map(\.name)) == Set(Self.presets.map(\.0) + larger))
    #expect(Preset.all.allSatisfy { !$0.description.isEmpty && !$0.source.isEmpty })
  }

  @Test("a preset and its layer list are the same network", arguments: presets.map(\.0))
  func presetsAreLayerLists(name: String) throws {
    let preset = ModelDescription(.preset(name))
    let layers = try #require(try preset.layers(classes: 10))
    let listed = try ModelDescription(.layers(layers)).graph(input: [12, 12, 3], classes: 10)
    #expect(try preset.graph(input: [12, 12, 3], classes: 10).layout == listed.layout)
  }

  @Test("a parameter of a preset changes it, and the others stand with their defaults when completed") func takesParameters() throws {
    let small = ModelDescription(.preset("mlp", parameters: ["hidden": [7]]))
    #expect(try small.graph(input: [5], classes: 2).layout.parameters.map(\.shape) == [[7, 5], [7], [2, 7], [2]])
    #expect(try small.completed() == small)
    #expect(
      try ModelDescription(.preset("mlp")).completed() == ModelDescription(.preset("mlp", parameters: ["hidden": [512, 512]])))
  }

  @Test("residuals nest: body and shortcut are lists of their own") func residualsNest() throws {
    let inner = Layer.residual(layers: [.conv(filters: 4, kernel: 3, padding: 1, bias: false)])
    let layers: [Layer] = [
      .conv(filters: 4, kernel: 1), .residual(layers: [.relu, inner], shortcut: [.conv(filters: 4, kernel: 1)]), .flatten,
      .linear(units: 3, bias: false),
    ]
    let graph = try ModelDescription(.layers(layers)).graph(input: [5, 7, 2], classes: 3)
    #expect(
      graph.layout.parameters.map(\.name) == [
        "0.weight", "0.bias", "1.body.1.body.0.weight", "1.shortcut.0.weight", "1.shortcut.0.bias", "3.weight",
      ])
    #expect(graph.layout.parameters.last?.shape == [3, 140])
  }

  @Test("groups divide the channels that a kernel reads") func groupsDivideChannels() throws {
    let layers: [Layer] = [.conv(filters: 6, kernel: 3, groups: 2), .flatten, .linear(units: 2)]
    let first = try #require(try ModelDescription(.layers(layers)).graph(input: [3, 3, 4], classes: 2).layout.parameters.first)
    #expect(first.shape == [6, 2, 3, 3])
    #expect(first.initial == .uniform(fanIn: 18))
  }

  @Test("rows of features need no flatten, and may have one") func flattenLeavesRows() throws {
    let graph = try ModelDescription(.layers([.flatten, .linear(units: 2)])).graph(input: [9], classes: 2)
    #expect(graph.nodes.count == 2)
    #expect(graph.layout.parameters.map(\.name) == ["1.weight", "1.bias"])
  }

  @Test("normalisation comes first, without weights or an index") func normalizationTakesNoIndex() throws {
    let normalization = Normalization(mean: [0.1, 0.2], std: [0.3, 0.4])
    let model = ModelDescription(.layers([.conv(filters: 3, kernel: 2), .flatten, .linear(units: 2)]), normalization: normalization)
    let graph = try model.graph(input: [4, 4, 2], classes: 2)
    #expect(graph.nodes.map(\.operation.label) == ["input", "normalize", "conv", "flatten", "linear"])
    #expect(graph.layout.parameters.first?.name == "0.weight")
  }

  @Test("preprocessing comes before normalisation, in order, and changes no name of a weight") func preprocessing() throws {
    let model = ModelDescription(.preset("lenet"), preprocessing: Preprocessed.all, normalization: Normalization(mean: [0.1], std: [0.3]))
    let graph = try model.graph(input: [8, 8, 1], classes: 2)
    #expect(
      graph.nodes.map(\.operation.label).prefix(8) == [
        "input", "bit_depth", "median", "gaussian_blur", "jpeg", "noise", "normalize", "conv",
      ])
    #expect(graph.isRandomised)
    let bare = try model.bare.graph(input: [8, 8, 1], classes: 2)
    #expect(bare.nodes.map(\.operation.label).prefix(3) == ["input", "normalize", "conv"])
    #expect(bare.layout == graph.layout && !bare.isRandomised)
    #expect(try model.completed().preprocessing == model.preprocessing)
  }

  @Test("the blur's window reaches over four deviations unless its size is given") func blurSize() throws {
    func size(_ document: JSONValue) throws -> Int? {
      let model = ModelDescription(.preset("linear"), preprocessing: try Preprocessing.list([document]))
      return try (model.graph(input: [4, 4, 1], classes: 2).nodes[1].operation as? GaussianBlur)?.size
    }
    #expect(try size(["type": "gaussian_blur", "sigma": 1]) == 9)
    #expect(try size(["type": "gaussian_blur", "sigma": 1, "size": 3]) == 3)
  }

  @Test("one mean and deviation serve every feature of a row") func normalizationOfRowsSpreads() throws {
    let model = ModelDescription(.preset("linear"), normalization: Normalization(mean: [0.5], std: [0.25]))
    let normalize = try #require(try model.graph(input: [3], classes: 2).nodes[1].operation as? Normalize)
    #expect(normalize.mean == [0.5, 0.5, 0.5])
    #expect(normalize.deviation == [0.25, 0.25, 0.25])
  }

  @Test("an architecture may be a function that adds to the graph itself") func takesBuilders() throws {
    let preset = Preset(
      name: "pair", description: "two rows summed", source: "none", parameters: [],
      network: .graph { graph, _, classes in
        let weight = graph.parameter("fc.weight", [classes, graph.outputShape[0]], initial: .uniform(fanIn: graph.outputShape[0]))
        let node = try graph.append(Dense(units: classes, weight: weight, bias: nil), to: graph.output)
        try graph.append(Add(), to: node, node)
      })
    let graph = try preset.graph([:], after: Graph(input: [4]), classes: 3)
    #expect(graph.layout.parameters.map(\.name) == ["fc.weight"])
    #expect(graph.outputShape == [3])
    let error = #expect(throws: ModelError.self) { try preset.graph([:], after: Graph(input: [2, 2, 1]), classes: 3) }
    #expect(error?.description.contains("pair does not fit images of [2, 2, 1]") == true)
  }

  /// Networks that cannot be, where the fault lies, and a part of what is said of it.
  static let faults: [(ModelDescription, Shape, String, String)] = [
    (.init(.layers([])), [4, 4, 1], "/layers", "at least one layer"),
    (.init(.layers([.relu, .linear(units: 2)])), [4, 4, 1], "/layers/1", "layers/1 (linear): a linear layer needs features in a row"),
    (.init(.layers([.conv(filters: 2, kernel: 5)])), [4, 4, 1], "/layers/0", "does not fit an input of 4×4"),
    (.init(.layers([.flatten, .conv(filters: 2, kernel: 1)])), [4, 4, 1], "/layers/1", "needs an image"),
    (.init(.layers([.conv(filters: 3, kernel: 1, groups: 2)])), [4, 4, 2], "/layers/0", "groups"),
    (.init(.layers([.maxPool(size: 2, stride: 2, padding: 2)])), [4, 4, 1], "/layers/0", "half its size"),
    (.init(.layers([.flatten, .linear(units: 100)])), [4, 4, 1], "/layers/1", "ends in [100], but there are 2 classes"),
    (.init(.layers([.conv(filters: 2, kernel: 1)])), [4, 4, 1], "/layers/0", "ends in [4, 4, 2]"),
    (
      .init(.layers([.relu, .residual(layers: [.relu, .maxPool(size: 2, stride: 2)])])), [4, 4, 1], "/layers/1",
      "layers/1 (residual): a residual sum needs two values of one shape"
    ),
    (
      .init(.layers([.residual(layers: [.relu], shortcut: [.relu, .linear(units: 2)])])), [4, 4, 1], "/layers/0/shortcut/1",
      "layers/0/shortcut/1 (linear)"
    ),
    (.init(.layers([.residual(layers: [.linear(units: 2)])])), [4, 4, 1], "/layers/0/layers/0", "layers/0/layers/0 (linear)"),
    (.init(.preset("resnet0")), [4, 4, 1], "/architecture", "the known ones are linear, mlp, lenet, madry_cnn"),
    (.init(.preset("lenet")), [16], "/architecture", "lenet does not fit images of [16]"),
    (.init(.preset("lenet")), [2, 2, 1], "/architecture", "lenet does not fit images of [2, 2, 1]"),
    (.init(.preset("lenet", parameters: ["depth": 3])), [8, 8, 1], "/depth", "depth of lenet: there is no field \"depth\"; it has none"),
    (.init(.preset("mlp", parameters: ["hidden": []])), [8, 8, 1], "/hidden", "hidden of mlp: must have 1 to 32 entries, not 0"),
    (.init(.preset("mlp", parameters: ["hidden": 512])), [8, 8, 1], "/hidden", "hidden of mlp: must be a list, not the number 512"),
    (.init(.preset("linear"), normalization: .init(mean: [0, 0], std: [1, 1])), [4, 4, 3], "/normalization", "each of the 3 channels"),
    (.init(.preset("linear"), normalization: .init(mean: [0], std: [0])), [4, 4, 1], "/normalization", "above 0"),
    (.init(.preset("linear"), preprocessing: [Preprocessed.all[0]]), [16], "/preprocessing", "rows of [16] features"),
    (.init(.preset("linear"), preprocessing: Preprocessed.all), [4, 4, 2], "/preprocessing/3", "1 or 3 channels"),
    (.init(.preset("linear")), [4, 4], "", "[height, width, channels]"),
    (.init(.preset("linear")), [0, 4, 1], "", "[height, width, channels]"),
    (
      .init(.layers(Array(repeating: .conv(filters: 65_536, kernel: 1_024, padding: 1_024), count: 2))), [1_024, 1_024, 3],
      "/layers/0", "weights by here"
    ),
    (.init(.layers(Array(repeating: .relu, count: 2_000))), [4], "/layers/1999", "at most 2000 layers"),
    (.init(.layers([.conv(filters: 1_024, kernel: 1, padding: 1_024)])), [4, 4, 1], "/layers/0", "larger than"),
  ]

  @Test("a network that cannot be says where and why", arguments: faults)
  func saysWhereAndWhy(model: ModelDescription, input: Shape, pointer: String, part: String) {
    let error = #expect(throws: ModelError.self) { try model.graph(input: input, classes: 2) }
    #expect(error?.pointer == pointer)
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }
}
