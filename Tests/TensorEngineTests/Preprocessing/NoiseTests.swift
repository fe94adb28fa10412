import TensorEngine
import Testing

@Suite("Noise") struct NoiseTests {
  private let image: Shape = [30, 40, 1]
  private let deviation: Float = 0.05

  private func grey(_ batch: Int) -> Tensor { Tensor(image.batched(batch), values: [Float](repeating: 0.5, count: batch * image.count)) }

  /// The noise of each pixel, in deviations.
  private func noise(_ key: DrawKey) throws -> [Float] {
    let graph = try PreprocessingCase(testDescription: "", operation: GaussianNoise(deviation: deviation)).alone(image)
    return try context(graph, .inference).forward(grey(key.examples.count), draws: key).values.map { ($0 - 0.5) / deviation }
  }

  private func correlation(_ one: [Float], _ other: [Float]) -> Float { zip(one, other).reduce(0) { $0 + $1.0 * $1.1 } / Float(one.count) }

  @Test("it is normal: mean 0, deviation 1, a third beyond one deviation, a twentieth beyond two") func distribution() throws {
    let values = try noise(DrawKey(seed: 1, examples: Array(0..<20)))
    let count = Float(values.count)
    #expect(abs(values.reduce(0, +) / count) < 0.02)
    #expect(abs(correlation(values, values) - 1) < 0.03)
    #expect(abs(Float(values.count { abs($0) > 1 }) / count - 0.3173) < 0.01)
    #expect(abs(Float(values.count { abs($0) > 2 }) / count - 0.0455) < 0.006)
  }

  @Test("equal keys give equal noise, and each part of a key another one") func keyed() throws {
    let first = DrawKey(seed: 1, examples: [7])
    let others = [
      DrawKey(seed: 2, examples: [7]), DrawKey(seed: 1, epoch: 1, examples: [7]), DrawKey(seed: 1, examples: [8]),
      DrawKey(seed: 1, examples: [7], draw: 1), DrawKey(seed: 1, examples: [7], draw: 1 << 20),
    ]
    let noises = try ([first] + others).map { try noise($0) }
    #expect(try noise(first) == noises[0])
    for one in noises.indices {
      for other in 0..<one { #expect(abs(correlation(noises[one], noises[other])) < 0.12, "\(one) and \(other)") }
    }
  }

  @Test("a second noise of a network is another one") func second() throws {
    var graph = Graph(input: image)
    for _ in 0..<2 { try graph.append(GaussianNoise(deviation: deviation), to: graph.output) }
    let key = DrawKey(seed: 1, examples: [3])
    let both = try context(graph, .inference).forward(grey(1), draws: key).values.map { ($0 - 0.5) / deviation }
    let first = try noise(key)
    let second = zip(both, first).map { $0 - $1 }
    #expect(abs(correlation(first, second)) < 0.12)
    #expect(abs(correlation(second, second) - 1) < 0.15)
  }

  @Test("the sum stays in the range of pixels") func clipped() throws {
    let graph = try PreprocessingCase(testDescription: "", operation: GaussianNoise(deviation: 1)).alone(image)
    let values = try context(graph, .inference).forward(grey(1), draws: DrawKey(seed: 1, examples: [0])).values
    #expect(values.min() == 0 && values.max() == 1)
  }
}
