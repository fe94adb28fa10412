import Foundation
import Models
import ONNXSchema
import SwiftProtobuf
import Testing

/// Files that cannot be used, each made of a good one.
@Suite("ONNX files that are refused")
struct ONNXRefusalTests {
  private static let good: Data = ONNXFixture.all.first { $0.testDescription == "convolution, opset 17" }?.file ?? Data()

  struct Bad: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What the answer says.
    let words: [String]
    let change: @Sendable (inout Onnx_ModelProto) -> Void

    init(_ name: String, _ words: String..., change: @escaping @Sendable (inout Onnx_ModelProto) -> Void) {
      testDescription = name
      self.words = words
      self.change = change
    }
  }

  /// Puts constants of zeros before the graph.
  private static func add(constants count: Int, of elements: Int64, to model: inout Onnx_ModelProto) {
    var shape = Onnx_TensorProto()
    shape.name = "made.shape"
    shape.dims = [1]
    shape.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
    shape.int64Data = [elements]
    model.graph.initializer.append(shape)
    for number in 0..<count {
      var node = Onnx_NodeProto()
      node.opType = "ConstantOfShape"
      node.input = ["made.shape"]
      node.output = ["made.\(number)"]
      model.graph.node.insert(node, at: 0)
    }
  }

  private static let bad: [Bad] = [
    Bad("operators that are not known", "NonZero (\"odd\")", "com.example.Special", "Einsum") { model in
      model.graph.node[0].opType = "NonZero"
      model.graph.node[0].name = "odd"
      model.graph.node[1].opType = "Special"
      model.graph.node[1].domain = "com.example"
      model.graph.node[2].opType = "Einsum"
    },
    Bad("a cycle", "a cycle") { model in
      model.graph.node[0].input[0] = model.graph.node[1].output[0]
    },
    Bad("a value given twice", "a second time") { model in
      model.graph.node[1].output[0] = model.graph.node[0].output[0]
    },
    Bad("weights in another file", "another file") { model in
      model.graph.initializer[0].dataLocation = .external
    },
    Bad("strings for a tensor", "strings") { model in
      model.graph.initializer[0].dataType = Int32(Onnx_TensorProto.DataType.string.rawValue)
    },
    Bad("a type of eight bits", "float8") { model in
      model.graph.initializer[0].dataType = Int32(Onnx_TensorProto.DataType.float8E4M3Fn.rawValue)
    },
    Bad("too few bytes", "bytes of values") { model in model.graph.initializer[0].rawData = Data([1, 2, 3]) },
    Bad("a shape whose product overflows", "more than") { model in
      model.graph.initializer[0].dims = [1 << 40, 1 << 40, 1 << 40]
    },
    Bad("a constant that is far larger than the file", "more than 4194304 values") { model in
      Self.add(constants: 1, of: 1 << 23, to: &model)
    },
    Bad("a constant that is expanded far beyond the file", "more than 4194304 values") { model in
      Self.add(constants: 1, of: 1, to: &model)
      let large = model.graph.initializer.count - 1
      var shape = model.graph.initializer[large]
      shape.name = "made.large"
      shape.int64Data = [1 << 30]
      model.graph.initializer.append(shape)
      var node = Onnx_NodeProto()
      node.opType = "Expand"
      node.input = ["made.0", "made.large"]
      node.output = ["made.expanded"]
      model.graph.node.insert(node, at: 1)
    },
    Bad("many constants that are together", "which is too many") { model in Self.add(constants: 8, of: 1 << 22, to: &model) },
    Bad("a negative dimension", "a dimension of -4") { model in model.graph.initializer[0].dims = [-4, 2] },
    Bad("a window as large as a number can be", "up to 1024") { model in
      for index in model.graph.node[0].attribute.indices where model.graph.node[0].attribute[index].name == "strides" {
        model.graph.node[0].attribute[index].ints = [.max, .max]
      }
    },
    Bad("weights that are not finite", "not finite") { model in
      model.graph.initializer[0].rawData = Data(repeating: 0xFF, count: model.graph.initializer[0].rawData.count)
    },
    Bad("an opset before 7", "opset 6") { $0.opsetImport[0].version = 6 },
    Bad("an opset to come", "opset 99") { $0.opsetImport[0].version = 99 },
    Bad("no opset", "which opset") { $0.opsetImport = [] },
    Bad("two inputs", "has 2") { model in
      var second = model.graph.input[0]
      second.name = "second"
      model.graph.input.append(second)
    },
    Bad("an image of any size", "fixed size") { model in
      model.graph.input[0].type.tensorType.shape.dim[2].dimParam = "height"
    },
    Bad("an image too large", "too large") { model in
      model.graph.input[0].type.tensorType.shape.dim[2].dimValue = 1 << 50
    },
    Bad("whole numbers for pixels", "takes numbers of type") { model in
      model.graph.input[0].type.tensorType.elemType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
    },
    Bad("an output that is not there", "does not depend") { $0.graph.output[0].name = "nothing" },
    Bad("an output that is an image", "for each image") { model in model.graph.output[0].name = model.graph.node[0].output[0] },
    Bad("images that are mixed", "along the batch") { model in
      model.graph.node.append(
        .with {
          $0.opType = "ReduceMean"
          $0.name = "mixed"
          $0.input = ["logits"]
          $0.output = ["mean"]
          $0.attribute = [
            .with {
              $0.name = "axes"
              $0.ints = [0]
            }
          ]
        })
      model.graph.output[0].name = "mean"
    },
    Bad("no nodes", "no graph") { $0.graph.node = [] },
    Bad("sparse weights", "sparse") { $0.graph.sparseInitializer = [.init()] },
    Bad("a network without weights of its own", "lacks its input") { model in
      model.graph.node[0].input.removeLast(model.graph.node[0].input.count - 1)
    },
  ]

  @Test("what is wrong is said", arguments: bad)
  func refuses(_ bad: Bad) throws {
    var model = try Onnx_ModelProto(serializedBytes: Self.good)
    bad.change(&model)
    let error = #expect(throws: ONNXError.self) { try ONNXNetwork(try model.serializedData()) }
    for word in bad.words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "nothing")") }
  }

  @Test("bytes that are no model, and models that end early") func refusesBytes() {
    for data in [Data(), Data("<html>".utf8), Data(repeating: 0xFF, count: 100), Self.good.prefix(200), Self.good.dropLast(10)] {
      #expect(throws: ONNXError.self) { try ONNXNetwork(data) }
    }
  }

  /// Whatever the bytes are, reading them ends in a network or in an error.
  @Test(
    "no change of bytes brings the reader down",
    arguments: ["transformer, fused, opset 17", "slice, gather, opset 17", "nearest, opset 11"])
  func survives(_ name: String) throws {
    let file = [UInt8](try #require(ONNXFixture.all.first { $0.testDescription == name }).file)
    var generator = SplitMix(state: 5)
    var refused = 0
    for _ in 0..<150 {
      var bytes = file
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
      do {
        _ = try ONNXNetwork(Data(bytes))
      } catch {
        refused += 1
      }
    }
    #expect(refused > 50)
  }
}

/// Steele et al. 2014, "Fast splittable pseudorandom number generators".
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
