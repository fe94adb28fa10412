import CKernels

/// The epilogue of a kernel: what is done to its result before it is stored, which saves passes over memory. The bias is added, then another
/// buffer, the sum is clamped; a gradient is set to zero where the gradient of a clamp is.
struct Epilogue: Sendable {
  /// `[columns]`
  var bias: Lowering.Operand?
  /// Like the result.
  var addend: Lowering.BufferID?
  var clamp: ClosedRange<Float> = -.infinity ... .infinity
  /// The activation whose clamp the gradient passes.
  var clamped: Clamped?
  /// The activation mask that was saved instead of it.
  var maskBits: Lowering.BufferID?
  /// Receives the activation mask: a bit for each value, set if it is strictly inside `clamp`. For a multiple of 16 channels.
  var maskBitsOut: Lowering.BufferID?

  /// The result of a clamp.
  struct Clamped: Sendable {
    let value: Lowering.BufferID
    let range: ClosedRange<Float>
  }

  /// The buffers that it reads and writes. An instruction has them after its own operands.
  var operands: [Lowering.Operand] {
    [bias].compactMap(\.self) + [addend, clamped?.value, maskBits, maskBitsOut].compactMap { $0.map(Lowering.Operand.buffer) }
  }

  /// The epilogue in the memory of one call.
  func bound(to memory: BoundOperands) -> kernels_epilogue {
    func bits(_ buffer: Lowering.BufferID?) -> UnsafeMutablePointer<UInt8>? {
      buffer.map { UnsafeMutableRawPointer(memory[$0]).assumingMemoryBound(to: UInt8.self) }
    }
    let bounds = clamped?.range ?? -.infinity ... .infinity
    return kernels_epilogue(
      bias: bias.map { UnsafePointer(memory[$0]) }, addend: addend.map { UnsafePointer(memory[$0]) },
      clamped: clamped.map { UnsafePointer(memory[$0.value]) }, mask_bits: bits(maskBits), mask_bits_out: bits(maskBitsOut),
      low: clamp.lowerBound, high: clamp.upperBound, clamped_low: bounds.lowerBound, clamped_high: bounds.upperBound)
  }
}

extension Lowering {
  /// Emits one of our own kernels with its epilogue; `run` is told how many examples to process.
  mutating func emit(
    _ label: String, _ operands: [Operand], _ epilogue: Epilogue,
    run: @escaping @Sendable (_ memory: BoundOperands, _ epilogue: UnsafePointer<kernels_epilogue>, _ examples: Int) -> Void
  ) {
    let processed = processed
    emit(label, operands + epilogue.operands) { memory, pass in
      var bound = epilogue.bound(to: memory)
      run(memory, &bound, processed(pass))
    }
  }
}
