import TensorEngine
import Testing

@Suite("Preprocessing in a pass") struct PreprocessingPassTests {
  private let image: Shape = [26, 23, 3]

  private func key(_ examples: [Int], draw: Int = 0) -> DrawKey { DrawKey(seed: 5, examples: examples, draw: draw) }

  @Test(
    "an example comes out the same to the bit alone, among others and in any micro-batch", arguments: PreprocessingCase.all, [false, true])
  func neighbours(_ preprocessing: PreprocessingCase, isBF16: Bool) throws {
    let graph = try preprocessing.split(image)
    let program = try Program(graph, for: .attack)
    #expect(program.microBatchSizes.first.map { $0 < program.sharding.size } == true)
    let context = try context(graph, isBF16: isBF16)
    let images = pixels(image, batch: program.sharding.size)
    let examples = (0..<program.sharding.size).map { 1_000 + $0 }
    func pass(_ rows: [Int]) -> (value: Tensor, gradient: Tensor) {
      let value = context.forward(images.gathered(rows), draws: key(rows.map { examples[$0] }))
      var gradient = Tensor(zeros: image.batched(rows.count))
      context.backward(value, inputGradient: &gradient)
      return (value, gradient)
    }
    let all = pass(Array(examples.indices))
    for row in [0, 1, 9, program.sharding.size - 1] {
      let alone = pass([row])
      #expect(Array(alone.value[example: 0]) == Array(all.value[example: row]))
      #expect(Array(alone.gradient[example: 0]) == Array(all.gradient[example: row]))
    }
    // A shard that is not full, in another order.
    let some = pass([5, 2, 17])
    #expect(some.value == all.value.gathered([5, 2, 17]))
    #expect(some.gradient == all.gradient.gathered([5, 2, 17]))
  }

  @Test("training sees the same preprocessed image as an attack", arguments: PreprocessingCase.all)
  func purposes(_ preprocessing: PreprocessingCase) throws {
    let graph = try preprocessing.alone([13, 8, 1])
    let (images, key) = (pixels([13, 8, 1], batch: 3), key([1, 2, 3]))
    let expected = try context(graph, .inference).forward(images, draws: key)
    for purpose in [Purpose.attack, .training, .attackOnBatch] {
      #expect(try context(graph, purpose).forward(images, draws: key) == expected, "\(purpose)")
    }
  }

  @Test("a NaN reaches its own result and no other", arguments: PreprocessingCase.all)
  func notANumber(_ preprocessing: PreprocessingCase) throws {
    var images = pixels(image, batch: 3)
    images[example: 1] = ArraySlice(repeating: .nan, count: image.count)
    let value = try context(preprocessing.alone(image)).forward(images, draws: key([1, 2, 3]))
    #expect(value[example: 1].allSatisfy { $0.isNaN })
    #expect(value[example: 0].allSatisfy(\.isFinite) && value[example: 2].allSatisfy(\.isFinite))
  }

  @Test("only noise makes a network random") func randomness() throws {
    for preprocessing in PreprocessingCase.all {
      #expect(try preprocessing.split(image).isRandomised == (preprocessing.operation is GaussianNoise))
    }
  }

  static let refused: [(any TensorEngine.Operation, Shape, String)] = [
    (BitDepth(bits: 9), [4, 4, 1], "1 to 8 bits"), (MedianFilter(size: 4), [4, 4, 1], "odd size"),
    (MedianFilter(size: 3), [16], "needs an image"), (GaussianBlur(deviation: 0), [4, 4, 1], "above 0"),
    (GaussianBlur(deviation: 1, size: 2), [4, 4, 1], "odd size"), (JPEGCompression(quality: 0), [4, 4, 1], "1 to 100"),
    (JPEGCompression(quality: 50), [4, 4, 2], "1 or 3 channels"), (GaussianNoise(deviation: .nan), [4, 4, 1], "above 0"),
  ]

  @Test("what cannot be is refused with the reason", arguments: refused.indices) func refusals(_ index: Int) throws {
    let (operation, image, reason) = Self.refused[index]
    let error = #expect(throws: GraphError.self) { try PreprocessingCase(testDescription: "", operation: operation).alone(image) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }
}
