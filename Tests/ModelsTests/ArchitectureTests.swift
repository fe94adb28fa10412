import Foundation
import JSON
import Models
import Synchronization
import TensorEngine
import Testing

/// The larger architectures against PyTorch, torchvision and timm: `Tests/Peers/architectures.py` made the values and says what each is.
@Suite("Architectures agree with PyTorch")
struct ArchitectureTests {
  static let networks = [
    "preact_resnet18", "resnet18_cifar", "resnet18_imagenet", "wide_resnet", "mobilenet_v2", "mobilenet_v2_keras", "efficientnet_lite0",
    "vit_tiny",
  ]

  @Test("names and shapes are those of the state dict", arguments: networks) func namesAgree(name: String) throws {
    let reference = try ArchitectureReference(name)
    let layout = reference.graph.layout
    #expect(Dictionary(uniqueKeysWithValues: layout.parameters.map { ($0.name, $0.shape.dimensions) }) == reference.stateDict)
  }

  /// A gradient passes a ReLU or it does not: where a value is all but zero, one kernel's rounding decides otherwise than another's, and
  /// moves the gradient by the share of one unit. Hence the wider bound.
  @Test("logits, loss and input gradient agree with running statistics", arguments: networks, [(true, 1e-4), (false, 2e-2)])
  func evaluationAgrees(name: String, kind: (isExact: Bool, tolerance: Double)) throws {
    let reference = try ArchitectureReference(name)
    let program = try Program(reference.graph, for: .attack, isExact: kind.isExact)
    let context = try Session(program, parameters: reference.parameters(), contexts: 1)[0]
    var (logits, gradient): ([Float], [Float]) = ([], [])
    for shard in 0..<reference.shards {
      let images = reference.images(shard)
      let answer = context.forward(images)
      var part = Tensor(zeros: images.shape)
      context.backward(reference.logitGradient(answer, shard), inputGradient: &part)
      logits += answer.values
      gradient += part.values
    }
    try reference.expect(logits, as: "evaluated.logits", group: "evaluated")
    try reference.expect([reference.loss(logits)], as: "evaluated.loss", group: "evaluated")
    try reference.expectDigest(of: gradient, index: 0, as: "evaluated.input_gradient", group: "evaluated", within: kind.tolerance)
  }

  @Test("weight gradients, statistics of the batch and ten steps of SGD agree", arguments: networks)
  func trainingAgrees(name: String) throws {
    let reference = try ArchitectureReference(name)
    let engine = Engine(threads: 2)
    let parameters = try reference.parameters()
    let session = try Session(Program(reference.graph, for: .training), parameters: parameters, contexts: reference.shards)
    let gradients = Gradients(reference.graph.layout, sets: reference.shards)
    var velocity = [Float](repeating: 0, count: reference.graph.layout.trainedCount)
    var losses: [Float] = []
    for step in 0..<10 {
      losses.append(try reference.pass(session, gradients, on: engine))
      let gradient = gradients.reduced(sets: reference.shards)
      if step == 0 { try reference.expectFirstStep(gradient, parameters) }
      parameters.withValues { values in
        for (index, value) in gradient.enumerated() {
          velocity[index] = 0.9 * velocity[index] + value + 5e-4 * values[index]
          values[index] -= 0.01 * velocity[index]
        }
      }
      session.weightsChanged()
    }
    try reference.expect(losses, as: "sgd.losses", group: "sgd.losses", within: 1e-4)
    let context = try Session(Program(reference.graph, for: .inference, isExact: true), parameters: parameters, contexts: 1)[0]
    let logits = (0..<reference.shards).flatMap { context.forward(reference.images($0)).values }
    try reference.expect(logits, as: "sgd.logits", group: "sgd.logits", within: 5e-3)
  }
}

/// One file of reference values and the network that it describes.
private struct ArchitectureReference {
  let graph: Graph
  let stateDict: [String: [Int]]
  private let values: [String: Tensor]
  /// How far PyTorch's single precision lies from its double, by group of values: no other implementation is closer.
  private let singlePrecision: [String: Double]
  private let labels: [Int]
  private let all: Tensor
  private let names: [String]

  init(_ name: String) throws {
    let folder = "Fixtures/architectures"
    let file = try #require(Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: folder))
    let content = try Safetensors(contentsOf: file)
    func decoded<Value: Decodable>(_ key: String) throws -> Value {
      try JSONDecoder().decode(Value.self, from: Data(#require(content.metadata[key]).utf8))
    }
    let input: [Int] = try decoded("input")
    let classes: Int = try decoded("classes")
    let section: ModelSection = try decoded("model")
    values = Dictionary(uniqueKeysWithValues: content.weights.entries.map { ($0.name, $0.tensor) })
    singlePrecision = try decoded("single_precision")
    stateDict = try decoded("state_dict")
    graph = try ModelDescription(.preset(section.architecture, parameters: section.parameters)).graph(input: Shape(input), classes: classes)
    let shape = Shape(input).batched(36)
    all = Tensor(shape, values: Noise.unsigned(1_000, count: shape.count))
    labels = (0..<36).map { (7 * $0 + 3) % classes }
    names = graph.layout.parameters.map(\.name).sorted()
  }

  /// The architecture and its parameters, as in a job spec.
  private struct ModelSection: Decodable {
    let architecture: String
    let parameters: [String: JSONValue]

    init(from decoder: any Decoder) throws {
      var fields = try decoder.singleValueContainer().decode([String: JSONValue].self)
      guard case .string(let name)? = fields.removeValue(forKey: "architecture") else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "no architecture"))
      }
      architecture = name
      parameters = fields
    }
  }

  var shards: Int { graph.sharding.count(all.batch) }
  func images(_ shard: Int) -> Tensor { all.gathered(graph.sharding.range(shard, of: all.batch)) }

  /// Weights by their place among the sorted names, as `fill` in architectures.py.
  func parameters() throws -> Parameters {
    let parameters = Parameters(graph.layout)
    for (index, parameter) in graph.layout.parameters.enumerated() {
      let place = try #require(names.firstIndex(of: parameter.name))
      let noise = Noise.signed(place, count: parameter.shape.count)
      let isScale = parameter.name.hasSuffix("running_var") || parameter.name.hasSuffix("weight")
      let values: [Float] =
        if parameter.shape.rank > 1 {
          noise.map { $0 * Float(1.5 / Double(parameter.shape.count / parameter.shape[0]).squareRoot()) }
        } else if isScale {
          noise.map { 1 + $0 * 0.25 }
        } else {
          noise.map { $0 * 0.125 }
        }
      parameters[ParameterID(index)] = Tensor(parameter.shape, values: values)
    }
    return parameters
  }

  /// The gradient of the mean loss of the whole batch at the logits of a shard.
  func logitGradient(_ logits: Tensor, _ shard: Int) -> Tensor {
    var logitGradient = Tensor(zeros: logits.shape)
    _ = CrossEntropy()(logits, labels: Array(labels[graph.sharding.range(shard, of: all.batch)]), gradient: &logitGradient)
    return Tensor(logitGradient.shape, values: logitGradient.values.map { $0 / Float(all.batch) })
  }

  /// The mean loss of the whole batch.
  func loss(_ logits: [Float]) -> Float {
    let tensor = Tensor([all.batch, logits.count / all.batch], values: logits)
    var logitGradient = Tensor(zeros: tensor.shape)
    return CrossEntropy()(tensor, labels: labels, gradient: &logitGradient).reduce(0, +) / Float(all.batch)
  }

  /// One pass of the batch; its mean loss.
  func pass(_ session: Session, _ gradients: Gradients, on engine: Engine) throws -> Float {
    let logits = Mutex([[Float]](repeating: [], count: shards))
    try session.pass(shards: shards, on: engine, width: 2) { shard, context in
      context.begin(images(shard))
    } beginBackward: { shard, context in
      let answer = context.logits
      logits.withLock { $0[shard] = answer.values }
      context.beginBackward(logitGradient(answer, shard), into: gradients, set: shard)
    }
    return loss(logits.withLock { $0.flatMap(\.self) })
  }

  /// The weights of the last layer have no ReLU behind them; the gradients of all others may have gone another way past one.
  func expectFirstStep(_ gradient: [Float], _ parameters: Parameters) throws {
    let last = graph[graph.output].operation.parameters
    let hasEdges = graph.nodes.contains { $0.operation is ReLU }
    let trained = graph.layout.parameters.filter(\.isTrained).map(\.name).sorted()
    for id in graph.layout.ids {
      let parameter = graph.layout[id]
      if let place = trained.firstIndex(of: parameter.name) {
        try expectDigest(
          of: Array(gradient[graph.layout.range(id)]), index: place, as: "gradient.\(parameter.name)", group: "gradient",
          within: hasEdges && !last.contains(id) ? 2e-2 : 1e-4)
      } else {
        let values = parameters[id].values
        try expect([Float(length(values.map(Double.init)))], as: "statistics.\(parameter.name).norm", group: "statistics")
      }
    }
  }

  func expectDigest(of tensor: [Float], index: Int, as name: String, group: String, within tolerance: Double = 1e-4) throws {
    let norm = Float(length(tensor.map(Double.init)))
    // A bias before a batch norm has a gradient of zero and rounding.
    guard try abs(#require(values[name + ".norm"]).values[0]) > 1e-4 else { return #expect(norm < 1e-3) }
    try expect([norm], as: name + ".norm", group: group, within: tolerance)
    let positions = (0..<16).map { Int(Noise.bits(2_000 + index, $0)) % tensor.count }
    // Samples are measured against the tensor's typical element: those that were drawn may all be small.
    let typical = Double(norm) / Double(tensor.count).squareRoot() * 4
    try expect(positions.map { tensor[$0] }, as: name + ".samples", group: group, within: tolerance, scale: typical)
  }

  /// Compares by the length of the difference, relative to the length of the reference.
  func expect(_ actual: [Float], as name: String, group: String, within tolerance: Double = 1e-4, scale: Double? = nil) throws {
    let expected = try #require(values[name], "the file has no \(name)").values
    try #require(actual.count == expected.count)
    let difference = length(zip(actual, expected).map { Double($0) - Double($1) })
    let size = max(scale ?? 0, length(expected.map(Double.init)))
    let allowed = try max(tolerance, 4 * #require(singlePrecision[group]))
    #expect(difference <= allowed * size, "\(name) is off by \(difference / size)")
  }

  private func length(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
