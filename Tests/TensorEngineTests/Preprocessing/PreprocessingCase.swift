import TensorEngine
import Testing

/// An operation that changes images before the network sees them.
struct PreprocessingCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let operation: any TensorEngine.Operation

  static let all: [PreprocessingCase] = [
    PreprocessingCase(testDescription: "bit depth", operation: BitDepth(bits: 3)),
    PreprocessingCase(testDescription: "median 3×3", operation: MedianFilter(size: 3)),
    PreprocessingCase(testDescription: "median 5×5", operation: MedianFilter(size: 5)),
    PreprocessingCase(testDescription: "blur", operation: GaussianBlur(deviation: 0.8)),
    PreprocessingCase(testDescription: "jpeg", operation: JPEGCompression(quality: 60)),
    PreprocessingCase(testDescription: "noise", operation: GaussianNoise(deviation: 0.1)),
  ]

  /// The operation alone; its value is the graph's.
  func alone(_ image: Shape) throws -> Graph {
    var graph = Graph(input: image)
    try graph.append(operation, to: graph.input)
    return graph
  }

  /// The operation before a convolution whose values are so large that a shard is split into micro-batches.
  func split(_ image: Shape) throws -> Graph {
    var graph = try alone(image)
    let weight = graph.parameter("0.weight", [32, image[2], 3, 3], initial: .uniform(fanIn: 9 * image[2]))
    try graph.append(Convolution(filters: 32, window: Window(3, padding: 1), weight: weight, bias: nil), to: graph.output)
    try graph.append(ReLU(), to: graph.output)
    try graph.append(GlobalAveragePool(), to: graph.output)
    return graph
  }
}

/// Images of random pixels.
func pixels(_ image: Shape, batch: Int, seed: UInt64 = 3) -> Tensor {
  let values = (0..<batch).flatMap { example in
    var stream = RandomStream(seed: seed, purpose: .sample, example: example)
    return stream.uniforms(0, 1, count: image.count)
  }
  return Tensor(image.batched(batch), values: values)
}

/// A context of a graph without weights, or with random ones.
func context(_ graph: Graph, _ purpose: Purpose = .attack, isBF16: Bool = false) throws -> ExecutionContext {
  let parameters = Parameters(graph.layout)
  for parameter in graph.layout.ids {
    var stream = RandomStream(seed: 9, purpose: .initialisation, example: parameter.index)
    let shape = graph.layout[parameter].shape
    parameters[parameter] = Tensor(shape, values: stream.uniforms(-0.5, 0.5, count: shape.count))
  }
  return try Session(Program(graph, for: purpose, isBF16: isBF16), parameters: parameters, contexts: 1)[0]
}
