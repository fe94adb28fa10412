import Models
import TensorEngine
import Testing

@Suite("Interval bounds of architectures")
struct BoundsOfArchitecturesTests {
  private static let small: [(description: ModelDescription, image: Shape)] = [
    (ModelDescription(.preset("linear")), [4, 4, 1]),
    (ModelDescription(.preset("mlp")), [4, 4, 1]),
    (ModelDescription(.preset("lenet")), [8, 8, 1]),
    (ModelDescription(.preset("madry_cnn")), [8, 8, 1]),
    (ModelDescription(.preset("preact_resnet18", parameters: ["width": 4])), [8, 8, 3]),
    (ModelDescription(.preset("resnet18", parameters: ["width": 4])), [16, 16, 3]),
    (ModelDescription(.preset("wide_resnet", parameters: ["depth": 10, "width": 1])), [8, 8, 3]),
    (ModelDescription(.preset("mobilenet_v2")), [32, 32, 3]),
    (ModelDescription(.preset("efficientnet_lite0")), [32, 32, 3]),
    (
      ModelDescription(
        .layers([
          .conv(filters: 8, kernel: 3, stride: 2), .gelu, .maxPool(size: 2, stride: 1), .flatten, .linear(units: 9), .silu,
          .linear(units: 4),
        ]), preprocessing: Array(Preprocessed.all[..<3]), normalization: Normalization(mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4])),
      [9, 8, 3]
    ),
  ]

  /// Random images, random points of their boxes, corners first: the network, as attacks see it, stays within its bounds.
  @Test("hold at every point of the box that is tried", arguments: small.indices)
  func sound(_ index: Int) throws {
    let (description, image) = Self.small[index]
    let graph = try description.graph(input: image, classes: 4)
    let parameters = Parameters(graph.layout)
    for (id, entry) in zip(graph.layout.ids, Weights(graph.layout, seed: 3).entries) { parameters[id] = entry.tensor }
    let network = try Session(Program(graph, for: .attack), parameters: parameters, contexts: 1)[0]
    let bounds = try Session(Program(graph.bounds(for: .certificate), for: .inference, isExact: true), parameters: parameters, contexts: 1)[
      0]
    var random = RandomStream(seed: 4, purpose: .sample)
    let count = min(4, graph.sharding.size)
    let images = Tensor(image.batched(count), values: random.uniforms(0, 1, count: count * image.count))
    let labels = (0..<count).map { $0 % 4 }
    for epsilon: Float in [0, 1e-4, 0.02, 0.3] {
      let worst = bounds.forward(images, bounds: BoundsQuestion(epsilon: epsilon, labels: labels))
      for trial in 0..<12 {
        let point = images.values.map { pixel -> Float in
          let step = trial < 8 ? (random.uniform() < 0.5 ? -epsilon : epsilon) : random.uniform(-epsilon, epsilon)
          return min(max(pixel + step, 0), 1)
        }
        let logits = network.forward(Tensor(images.shape, values: point))
        for row in 0..<count {
          let own = logits[example: row].map(\.self)[labels[row]]
          for (bound, logit) in zip(worst[example: row], logits[example: row]) {
            #expect(logit - own <= bound, "at ε \(epsilon): \(logit - own) and the bound is \(bound)")
          }
        }
      }
      for row in 0..<count { #expect(worst[example: row].map(\.self)[labels[row]] == 0) }
    }
  }

  @Test(
    "are refused where a layer has none, which is named",
    arguments: [
      (ModelDescription(.preset("vit_tiny")), "tokens"),
      (ModelDescription(.preset("mlp"), preprocessing: [Preprocessed.all[3]]), "jpeg"),
      (ModelDescription(.preset("mlp"), preprocessing: [Preprocessed.all[4]]), "noise"),
      (ModelDescription(.layers([.flatten, .linear(units: 4), .relu])), "ends with a linear layer, not with relu"),
    ])
  func refused(_ description: ModelDescription, _ layer: String) throws {
    let graph = try description.graph(input: [8, 8, 1], classes: 4)
    do {
      _ = try graph.bounds(for: .certificate)
      Issue.record("\(layer) has bounds")
    } catch { #expect("\(error)".contains(layer), "\(error)") }
  }
}
