import Foundation
import Models
import TensorEngine
import Testing

/// A small network in ONNX with what PyTorch makes of some images, as `Tests/Peers/onnx_models.py` writes it.
struct ONNXFixture: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  private let opset: Opset
  let file: Data
  private let images: Data
  /// Of the images, in the order of ONNX.
  private let shape: [Int]
  private let logits: Data
  /// Of Σ seed · logits at the images; of files made node by node there is none.
  private let gradient, seed: Data?

  private enum Opset: Decodable, Sendable {
    case number(Int)
    case exporter(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        self = .number(number)
      } else {
        self = .exporter(try container.decode(String.self))
      }
    }
  }

  var testDescription: String {
    switch opset {
    case .number(let number): "\(name), opset \(number)"
    case .exporter(let exporter): "\(name), \(exporter)"
    }
  }

  static let all: [ONNXFixture] = {
    guard let url = Bundle.module.url(forResource: "onnx", withExtension: "json", subdirectory: "Fixtures") else { return [] }
    do { return try JSONDecoder().decode([ONNXFixture].self, from: Data(contentsOf: url)) } catch { preconditionFailure("\(error)") }
  }()

  private static func floats(_ data: Data) -> [Float] {
    data.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 4).map {
        Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
      }
    }
  }

  /// Values of the images in the order of ONNX, in the order of this project.
  private func house(_ values: [Float], _ input: Shape) -> Tensor {
    let batch = shape[0]
    guard shape.count == 4, Array(shape[1...]) != input.dimensions else { return Tensor(input.batched(batch), values: values) }
    let (channels, pixels) = (shape[1], shape[2] * shape[3])
    let turned = (0..<batch).flatMap { example in
      (0..<pixels).flatMap { pixel in (0..<channels).map { values[(example * channels + $0) * pixels + pixel] } }
    }
    return Tensor(input.batched(batch), values: turned)
  }

  func images(_ input: Shape) -> Tensor { house(Self.floats(images), input) }
  var expectedLogits: [Float] { Self.floats(logits) }
  func expectedGradient(_ input: Shape) -> (seed: [Float], gradient: Tensor)? {
    guard let gradient, let seed else { return nil }
    return (Self.floats(seed), house(Self.floats(gradient), input))
  }
}

/// Logits and the gradient at the images of an imported network.
struct ONNXRun {
  let logits, gradient: Tensor

  init(_ card: ModelCard, _ weights: Weights, _ images: Tensor, seed: [Float]? = nil) throws {
    let graph = try card.graph()
    let parameters = Parameters(graph.layout)
    try parameters.load(weights)
    let context = try Session(Program(graph, for: .attack), parameters: parameters, contexts: 1)[0]
    let logits = context.forward(images)
    var gradient = Tensor(zeros: images.shape)
    context.backward(Tensor(logits.shape, values: seed ?? logits.values.map { _ in 1 }), inputGradient: &gradient)
    (self.logits, self.gradient) = (logits, gradient)
  }
}

/// The largest difference, in units of the largest expected value.
func distance(_ found: [Float], _ expected: [Float]) -> Float {
  guard found.count == expected.count else { return .infinity }
  let scale = expected.reduce(1e-3) { max($0, abs($1)) }
  return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
}
