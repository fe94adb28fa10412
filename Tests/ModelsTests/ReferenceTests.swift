import Foundation
import Models
import TensorEngine
import Testing

/// Whole networks against PyTorch: `Tests/Peers/reference.py` made the values and says what each is.
@Suite("Reference values of PyTorch")
struct ReferenceTests {
  static let networks = ["mlp", "madry_cnn", "every_layer"]

  @Test("logits and the mean loss agree, in every kind of program", arguments: networks)
  func logitsAgree(name: String) throws {
    let reference = try Reference(name)
    for purpose in [Purpose.inference, .attack, .training] {
      let context = try Session(Program(reference.graph, for: purpose), parameters: reference.parameters(), contexts: 1)[0]
      let logits = context.forward(reference.images)
      try reference.expect(logits.values, as: "logits", within: 1e-4)
      try reference.expect([reference.loss(logits).mean], as: "loss", within: 1e-4)
    }
  }

  @Test("the gradient at the input agrees", arguments: networks) func inputGradientAgrees(name: String) throws {
    let reference = try Reference(name)
    let context = try Session(Program(reference.graph, for: .attack), parameters: reference.parameters(), contexts: 1)[0]
    var gradient = Tensor(zeros: reference.images.shape)
    context.backward(reference.loss(context.forward(reference.images)).gradient, inputGradient: &gradient)
    try reference.expect(gradient.values, as: "input_gradient", within: 1e-4)
  }

  @Test("the gradient of every weight agrees", arguments: networks) func weightGradientsAgree(name: String) throws {
    let reference = try Reference(name)
    let session = try Session(Program(reference.graph, for: .training), parameters: reference.parameters(), contexts: 1)
    try reference.expectDigests("gradient", of: reference.weightGradient(session).gradient, within: 1e-4)
  }

  @Test("ten steps of SGD with momentum and weight decay agree", arguments: networks) func tenStepsAgree(name: String) throws {
    let reference = try Reference(name)
    let parameters = try reference.parameters()
    let session = try Session(Program(reference.graph, for: .training), parameters: parameters, contexts: 1)
    var velocity = [Float](repeating: 0, count: reference.graph.layout.count)
    var losses: [Float] = []
    for _ in 0..<10 {
      let (loss, gradient) = reference.weightGradient(session)
      losses.append(loss)
      parameters.withValues { values in
        for (index, value) in gradient.enumerated() {
          velocity[index] = 0.9 * velocity[index] + value + 5e-4 * values[index]
          values[index] -= 0.01 * velocity[index]
        }
      }
      session.weightsChanged()
      session.packWeights()
    }
    try reference.expect(losses, as: "sgd.losses", within: 1e-3)
    try reference.expect(session[0].forward(reference.images).values, as: "sgd.logits", within: 1e-3)
    try reference.expectDigests("weight", of: parameters.withValues(Array.init), within: 1e-3)
  }

  @Test("a network of PyTorch's reference keeps its weights through a file") func weightsSurviveAFile() throws {
    let reference = try Reference("every_layer")
    let written = try Safetensors(Weights(reference.parameters()), metadata: reference.card.metadata())
    let read = try Safetensors(written.encoded())
    let parameters = Parameters(try #require(try ModelCard(metadata: read.metadata)).graph().layout)
    try parameters.load(read.weights)
    #expect(try parameters.withValues(Array.init) == reference.parameters().withValues(Array.init))
  }
}

/// One file of reference values and the network that it describes.
private struct Reference {
  let card: ModelCard
  let graph: Graph
  let images: Tensor
  let labels: [Int]
  private let values: [String: Tensor]

  init(_ name: String) throws {
    let file = try #require(Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: "Fixtures"))
    let content = try Safetensors(contentsOf: file)
    values = Dictionary(uniqueKeysWithValues: content.weights.entries.map { ($0.name, $0.tensor) })
    let card = try #require(try ModelCard(metadata: content.metadata))
    self.card = card
    graph = try card.graph()
    let shape = card.input.batched(5)
    images = Tensor(shape, values: Noise.unsigned(1_000, count: shape.count))
    labels = (0..<5).map { (7 * $0 + 3) % card.classes }
  }

  func parameters() throws -> Parameters {
    let parameters = Parameters(graph.layout)
    for (index, parameter) in graph.layout.parameters.enumerated() {
      guard case .uniform(let fanIn) = parameter.initial else { continue }
      let scale = Float(1 / Double(fanIn).squareRoot())
      parameters[ParameterID(index)] = Tensor(parameter.shape, values: Noise.signed(index, count: parameter.shape.count).map { $0 * scale })
    }
    return parameters
  }

  /// The mean cross-entropy over the batch and its gradient at the logits.
  func loss(_ logits: Tensor) -> (mean: Float, gradient: Tensor) {
    var gradient = Tensor(zeros: logits.shape)
    let losses = CrossEntropy()(logits, labels: labels, gradient: &gradient)
    let count = Float(losses.count)
    return (losses.reduce(0, +) / count, Tensor(gradient.shape, values: gradient.values.map { $0 / count }))
  }

  func weightGradient(_ session: Session) -> (loss: Float, gradient: [Float]) {
    let gradients = Gradients(graph.layout, sets: 1)
    let (loss, seed) = loss(session[0].forward(images))
    session[0].backward(seed, into: gradients, set: 0)
    return (loss, gradients.reduced(sets: 1))
  }

  /// Compares a tensor by the length of the difference, relative to the length of the reference, and by its largest element.
  func expect(_ actual: [Float], as name: String, within tolerance: Double, scale: Double? = nil) throws {
    let expected = try #require(values[name], "the file has no \(name)").values
    try #require(actual.count == expected.count)
    let differences = zip(actual, expected).map { Double($0) - Double($1) }
    let size = try scale ?? #require(length(expected) > 0 ? length(expected) : nil)
    #expect(length(differences) <= tolerance * size, "\(name) is off by \(length(differences) / size)")
    let peak = scale ?? expected.map { Double(abs($0)) }.max() ?? 0
    #expect(differences.allSatisfy { abs($0) <= tolerance * peak }, "an element of \(name) is off")
  }

  /// Holds each parameter's part of `actual` against norm, samples, products with vectors and, where stored, all its values.
  func expectDigests(_ prefix: String, of actual: [Float], within tolerance: Double) throws {
    for (index, parameter) in graph.layout.parameters.enumerated() {
      let part = Array(actual[graph.layout.range(ParameterID(index))])
      let name = "\(prefix).\(parameter.name)"
      try expect([Float(length(part))], as: name + ".norm", within: tolerance)
      let positions = (0..<256).map { Int(Noise.bits(2_000 + index, $0)) % part.count }
      try expect(positions.map { part[$0] }, as: name + ".samples", within: tolerance)
      let dots = (0..<4).map { k in
        Float(zip(part, Noise.signed(3_000 + 4 * index + k, count: part.count)).reduce(0) { $0 + Double($1.0) * Double($1.1) })
      }
      // A product may cancel, so it is measured against the length of the tensor itself.
      try expect(dots, as: name + ".dots", within: tolerance, scale: length(part))
      if values[name + ".full"] != nil { try expect(part, as: name + ".full", within: tolerance) }
    }
  }

  private func length(_ values: [Float]) -> Double { length(values.map(Double.init)) }
  private func length(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
