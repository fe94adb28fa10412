import CKernels
import Foundation
import TensorEngine
import Testing

@Suite("The kernels of each instruction set") struct KernelTests {
  @Test("a kernel agrees with its reference", arguments: InstructionSet.available, KernelCase.all)
  func agreement(set: InstructionSet, kernel: KernelCase) {
    let faults = kernel.faults(set.kernels)
    #expect(faults.isEmpty, "\(set.rawValue): \(faults.joined(separator: "; "))")
  }

  @Test("a named set is in use, and oneDNN is held to it")
  func selection() {
    #expect(InstructionSet.refusal == nil)
    guard let name = ProcessInfo.processInfo.environment[InstructionSet.variable], !name.isEmpty else {
      #expect(InstructionSet.selected == InstructionSet.available.last)
      return
    }
    #expect(InstructionSet.selected.rawValue == name)
    let instructions = ["sse": "SSE4.1", "avx2": "AVX2", "avx512": "AVX-512", "avx512_bf16": "AVX-512 with BF16"]
    #expect(Processor.instructions == instructions[name])
    #expect(EngineVersion.description.hasPrefix("\(EngineVersion.current) on \(Processor.instructions) with oneDNN "))
    #expect(Processor.offersBF16 == (name == "avx512_bf16"))
  }

  @Test(
    "the best set is chosen unless another is named",
    arguments: [(nil, "avx512"), ("", "avx512"), ("sse", "sse"), ("avx2", "avx2"), ("avx512", "avx512")] as [(String?, String)])
  func choice(name: String?, expected: String) {
    let selection = InstructionSet.Selection(named: name, available: [.sse, .avx2, .avx512])
    #expect(selection.set.rawValue == expected)
    #expect(selection.refusal == nil)
    #expect(selection.isNamed == !(name ?? "").isEmpty)
  }

  @Test("an unknown set is refused, and so is one that the processor lacks")
  func refusals() {
    let unknown = InstructionSet.Selection(named: "avx3", available: [.sse, .avx2])
    #expect(unknown.refusal == "TEMPER_KERNELS must be one of sse, avx2, not \"avx3\"")
    let lacking = InstructionSet.Selection(named: "avx512_bf16", available: [.sse, .avx2])
    #expect(lacking.refusal == "TEMPER_KERNELS is avx512_bf16, which this processor does not have; it has sse, avx2")
    #expect(!unknown.isNamed && !lacking.isNamed)
  }

  @Test("only the set of the processor's own products of bfloat16 says that it has them")
  func nativeBF16() {
    for set in InstructionSet.available { #expect(set.kernels.native_bf16 == (set == .avx512BF16)) }
  }

  @Test("infinity and NaN in the weights reach the result where the other side is 0", arguments: InstructionSet.available)
  func infinities(set: InstructionSet) {
    let (rows, depth, columns) = (50, 40, 300)
    var shape = kernels_product(rows: Int64(rows), depth: Int64(depth), columns: Int64(columns))
    var order = kernels_matrix(depth_stride: Int64(columns), column_stride: 1, depth_pixels: 1, column_pixels: 1)
    var b = noise(depth * columns)
    b[3 * columns + 7] = .infinity
    let products = set.kernels.fp32
    var packed = [Float](repeating: 0, count: products.product_packed_count(&shape))
    products.product_pack(&shape, b, &order, &packed)
    var scratch = [Float](repeating: 0, count: products.product_scratch_count(&shape))
    var c = [Float](repeating: 0, count: rows * columns)
    var epilogue = kernels_epilogue.none
    products.product(&shape, [Float](repeating: 0, count: rows * depth), packed, &c, &epilogue, &scratch)
    for row in 0..<rows {
      for column in 0..<columns { #expect(c[row * columns + column].isNaN == (column == 7)) }
    }
  }
}
