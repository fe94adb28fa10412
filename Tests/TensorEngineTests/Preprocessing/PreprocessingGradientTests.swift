import TensorEngine
import Testing

/// The true gradients of blur and median stand in the table of `OperationTests`.
@Suite("Gradients of preprocessing") struct PreprocessingGradientTests {
  private let image: Shape = [11, 9, 3]

  private func gradient(_ context: ExecutionContext, _ seed: Tensor) -> Tensor {
    var gradient = Tensor(zeros: seed.shape)
    context.backward(seed, inputGradient: &gradient)
    return gradient
  }

  @Test(
    "a gradient passes straight through what only rounds",
    arguments: PreprocessingCase.all.filter { $0.operation is BitDepth || $0.operation is JPEGCompression })
  func straightThrough(_ preprocessing: PreprocessingCase) throws {
    let context = try context(preprocessing.alone(image))
    let (images, seed) = (pixels(image, batch: 5), pixels(image, batch: 5, seed: 4))
    #expect(context.forward(images) != images)
    #expect(gradient(context, seed) == seed)
  }

  @Test("the network behind it has its gradient at the image that it was given, not at the one before") func behind() throws {
    let preprocessing = PreprocessingCase(testDescription: "1 bit", operation: BitDepth(bits: 1))
    let graph = try preprocessing.split([24, 24, 1])
    var behind = Graph(input: [24, 24, 1])
    let weight = behind.parameter("0.weight", [32, 1, 3, 3], initial: .uniform(fanIn: 9))
    try behind.append(Convolution(filters: 32, window: Window(3, padding: 1), weight: weight, bias: nil), to: behind.output)
    try behind.append(ReLU(), to: behind.output)
    try behind.append(GlobalAveragePool(), to: behind.output)
    let images = pixels([24, 24, 1], batch: 3)
    let seen = try context(preprocessing.alone([24, 24, 1]), .inference).forward(images)
    let (whole, rest) = (try context(graph), try context(behind))
    #expect(whole.forward(images) == rest.forward(seen))
    let seed = pixels([32], batch: 3)
    var (gradient, expected) = (Tensor(zeros: images.shape), Tensor(zeros: images.shape))
    whole.backward(seed, inputGradient: &gradient)
    rest.backward(seed, inputGradient: &expected)
    #expect(gradient == expected)
  }

  @Test("where all pixels are equal the gradient of a median stays at each pixel", arguments: [3, 5]) func ties(size: Int) throws {
    let context = try context(PreprocessingCase(testDescription: "", operation: MedianFilter(size: size)).alone(image))
    let seed = pixels(image, batch: 2)
    _ = context.forward(Tensor(zeros: image.batched(2)))
    #expect(gradient(context, seed) == seed)
  }

  @Test("the gradient of a median goes to the pixel that was selected") func selected() throws {
    let context = try context(PreprocessingCase(testDescription: "", operation: MedianFilter(size: 3)).alone([3, 3, 1]))
    _ = context.forward(Tensor([1, 3, 3, 1], values: [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4, 0.5]))
    var seed = Tensor(zeros: [1, 3, 3, 1])
    seed.values[4] = 2
    // Of 0.1 to 0.9 the middle one stands in the corner.
    #expect(gradient(context, seed).values == [0, 0, 0, 0, 0, 0, 0, 0, 2])
  }

  @Test("the gradient of noise is that of the sum where it is inside the range, and zero where it was clipped") func noise() throws {
    let context = try context(PreprocessingCase(testDescription: "", operation: GaussianNoise(deviation: 0.3)).alone(image))
    let key = DrawKey(seed: 1, examples: [4, 7])
    let (images, seed) = (pixels(image, batch: 2), pixels(image, batch: 2, seed: 4))
    let noisy = context.forward(images, draws: key).values
    let gradient = gradient(context, seed).values
    let step: Float = 1 / 1024
    var (above, below) = (images, images)
    above.add(step, times: Tensor(images.shape, values: images.values.map { _ in 1 }))
    below.add(-step, times: Tensor(images.shape, values: images.values.map { _ in 1 }))
    let differences = zip(context.forward(above, draws: key).values, context.forward(below, draws: key).values).map {
      ($0 - $1) / (2 * step)
    }
    #expect(noisy.contains(0) && noisy.contains(1))
    for index in noisy.indices where noisy[index] == 0 || noisy[index] == 1 || min(noisy[index], 1 - noisy[index]) > step {
      // At an end the image may be so far outside that the step does not bring it back.
      let isInside = noisy[index] > 0 && noisy[index] < 1
      #expect(gradient[index] == (isInside ? seed.values[index] : 0))
      if isInside { #expect(abs(differences[index] - 1) < 1e-3) } else { #expect(differences[index] < 0.6) }
    }
  }
}
