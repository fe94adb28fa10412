import TensorEngine
import Testing

@Suite("Dropout") struct DropoutTests {
  private let rate: Float = 0.3

  private func graph() throws -> Graph {
    var graph = Graph(input: [400])
    let weight = graph.parameter("0.weight", [400, 400], initial: .uniform(fanIn: 400))
    try graph.append(Dense(units: 400, weight: weight, bias: nil), to: graph.output)
    try graph.append(Dropout(rate: rate), to: graph.output)
    return graph
  }

  /// A network whose value before dropout is its input.
  private func identity(_ purpose: Purpose) throws -> (ExecutionContext, ParameterLayout) {
    let graph = try graph()
    let parameters = Parameters(graph.layout)
    var weight = Tensor(zeros: [400, 400])
    for i in 0..<400 { weight.values[i * 401] = 1 }
    parameters[ParameterID(0)] = weight
    return (try Session(Program(graph, for: purpose), parameters: parameters, contexts: 1)[0], graph.layout)
  }

  private let ones = Tensor([3, 400], values: [Float](repeating: 1, count: 1200))

  @Test("outside training every value passes") func passesThrough() throws {
    #expect(try identity(.attack).0.forward(ones) == ones)
  }

  @Test("in training values are dropped at the rate and the rest scaled, so that the mean stays") func drops() throws {
    let output = try identity(.training).0.forward(ones, draws: DrawKey(seed: 1, epoch: 0, examples: [4, 5, 6]))
    let dropped = output.values.count { $0 == 0 }
    #expect(abs(Double(dropped) / 1200 - 0.3) < 0.05)
    #expect(output.values.allSatisfy { $0 == 0 || abs($0 - 1 / 0.7) < 1e-5 })
  }

  @Test("an example drops the same values in any batch, others in another epoch") func keyed() throws {
    let context = try identity(.training).0
    let together = context.forward(ones, draws: DrawKey(seed: 1, epoch: 2, examples: [4, 5, 6]))
    let alone = context.forward(ones.gathered([0]), draws: DrawKey(seed: 1, epoch: 2, examples: [5]))
    let later = context.forward(ones.gathered([0]), draws: DrawKey(seed: 1, epoch: 3, examples: [5]))
    #expect(Array(together[example: 1]) == alone.values)
    #expect(later.values != alone.values)
  }

  @Test("the gradient passes where the value did") func gradient() throws {
    let (context, layout) = try identity(.training)
    let gradients = Gradients(layout, sets: 1)
    let output = context.forward(ones.gathered([0]), draws: DrawKey(seed: 1, epoch: 0, examples: [9]))
    context.backward(ones.gathered([0]), into: gradients, set: 0)
    // The gradient of row i of the weights is the mask at i times the input, which is 1.
    let sums = gradients.reduced(sets: 1)
    #expect((0..<400).allSatisfy { abs(sums[$0 * 400] - output.values[$0]) < 1e-6 })
  }
}
