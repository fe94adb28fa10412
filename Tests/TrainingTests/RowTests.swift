import JSON
import Models
import TensorEngine
import Testing

/// What an attack and an objective rest upon: an example may leave the active set, stand in another shard or beside another view, and its
/// numbers stay the same.
@Suite("An example has the same bits")
struct RowTests {
  private struct Answer: Equatable {
    let logits: [Float]
    let inputGradient: [Float]
  }

  private static let networks = Preset.all.map(\.name)

  private static func graph(_ name: String) throws -> Graph {
    // As small as each takes, so that the suite stays quick.
    let input: Shape = ["linear", "mlp", "lenet", "madry_cnn"].contains(name) ? [28, 28, 1] : [32, 32, 3]
    let parameters: [String: JSONValue] = name == "wide_resnet" ? ["depth": 10, "width": 2] : [:]
    return try ModelDescription(.preset(name, parameters: parameters)).graph(input: input, classes: 10)
  }

  private func noise(_ shape: Shape, example: Int) -> Tensor {
    var stream = RandomStream(seed: 3, purpose: .noise, example: example)
    return Tensor(shape, values: stream.uniforms(0, 1, count: shape.count))
  }

  /// What the network says of the example at `row`.
  private func answer(_ context: ExecutionContext, _ images: Tensor, row: Int) -> Answer {
    let logits = context.forward(images)
    var logitGradient = Tensor(zeros: logits.shape)
    _ = CrossEntropy()(logits, labels: (0..<images.batch).map { $0 == row ? 4 : $0 % 10 }, gradient: &logitGradient)
    var inputGradient = Tensor(zeros: images.shape)
    context.backward(logitGradient, inputGradient: &inputGradient)
    return Answer(logits: Array(logits[example: row]), inputGradient: Array(inputGradient[example: row]))
  }

  @Test("at every row of a shard and beside any neighbours", arguments: networks, [false, true])
  func rows(_ name: String, isBF16: Bool) throws {
    let graph = try Self.graph(name)
    let parameters = Parameters(graph.layout)
    try parameters.load(Weights(graph.layout, seed: 1))
    let context = try Session(Program(graph, for: .attack, isBF16: isBF16), parameters: parameters, contexts: 1)[0]
    let example = noise(graph.inputShape.batched(1), example: 0)
    let alone = answer(context, example, row: 0)
    #expect(alone.inputGradient.contains { $0 != 0 })
    let size = graph.sharding.size
    for row in Set([0, 7, 31].map { min($0, size - 1) }).sorted() {
      var amongZeros = Tensor(zeros: graph.inputShape.batched(row + 1))
      amongZeros[example: row] = example[example: 0]
      #expect(answer(context, amongZeros, row: row) == alone, "alone at row \(row)")
      for count in Set([row + 1, size]) {
        var amongOthers = noise(graph.inputShape.batched(count), example: 1 + row)
        amongOthers[example: row] = example[example: 0]
        #expect(answer(context, amongOthers, row: row) == alone, "at row \(row) of \(count)")
      }
    }
  }
}
