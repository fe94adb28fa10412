import Attacks
import Datasets
import Foundation
import Models
import TensorEngine
import Testing
import Training

/// What `Tests/Peers/methods.py` left: values of PyTorch, of networks whose weights and images both sides compute by `Noise`.
struct MethodReference {
  private let file: Safetensors

  /// - Parameter folder: `methods`, or that of another script.
  init(_ name: String, folder: String = "methods") throws {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: "Fixtures/" + folder))
    file = try Safetensors(contentsOf: url)
  }

  subscript(name: String) -> Tensor {
    get throws { try #require(file.weights.entries.first { $0.name == name }, "the file has no \(name)").tensor }
  }

  static let plain = ModelDescription(.layers([.conv(filters: 4, kernel: 3, padding: 1), .relu, .flatten, .linear(units: 3)]))
  static let normalized = ModelDescription(
    .layers([.conv(filters: 4, kernel: 3, padding: 1, bias: false), .batchNorm(), .relu, .flatten, .linear(units: 3)]))

  static let dataset = Dataset(
    name: "noise", imageShape: [6, 6, 1], classNames: ["a", "b", "c"],
    train: Split(
      imageShape: [6, 6, 1], pixels: Pixels(floats: Noise.unsigned(1_000, count: 40 * 36)), labels: (0..<40).map { (7 * $0 + 3) % 3 }),
    test: Split(imageShape: [6, 6, 1], pixels: Pixels(floats: []), labels: []), sha256: "noise", sourceBytes: 0)

  /// As `set_weights` of the script.
  static func weights(_ layout: ParameterLayout) -> Parameters {
    let parameters = Parameters(layout)
    var number = 0
    for id in layout.ids {
      let parameter = layout[id]
      guard parameter.isTrained else {
        parameters[id] = Tensor(parameter.shape, values: parameter.name.hasSuffix("running_var") ? ones(parameter) : zeros(parameter))
        continue
      }
      let noise = Noise.signed(number, count: parameter.shape.count)
      number += 1
      let fanIn = Double(parameter.shape.count / parameter.shape[0])
      let shift: Float = parameter.name.hasSuffix("weight") ? 1 : 0
      let values =
        parameter.shape.rank > 1 ? noise.map { Float(Double($0) / fanIn.squareRoot()) } : noise.map { $0 / 8 + shift }
      parameters[id] = Tensor(parameter.shape, values: values)
    }
    return parameters
  }

  private static func ones(_ parameter: ParameterSpecification) -> [Float] { [Float](repeating: 1, count: parameter.shape.count) }
  private static func zeros(_ parameter: ParameterSpecification) -> [Float] { [Float](repeating: 0, count: parameter.shape.count) }
}

/// The numbers that `Tests/Peers/reference.py` computes too, to the bit: whole numbers up to one last product in single precision.
enum Noise {
  /// 24 random bits of one element of a stream (the finaliser is Wellons' lowbias32).
  private static func bits(_ stream: Int, _ element: Int) -> UInt32 {
    var h = UInt32(stream) &* 0x9E37_79B9 &+ UInt32(element) &* 0x85EB_CA6B
    h ^= h >> 16
    h &*= 0x7FEB_352D
    h ^= h >> 15
    h &*= 0x846C_A68B
    h ^= h >> 16
    return h >> 8
  }

  /// In [0, 1).
  static func unsigned(_ stream: Int, count: Int) -> [Float] { (0..<count).map { Float(bits(stream, $0)) * 0x1p-24 } }

  /// In [−1, 1).
  static func signed(_ stream: Int, count: Int) -> [Float] { (0..<count).map { Float(Int32(bits(stream, $0)) - 1 << 23) * 0x1p-23 } }
}
