import CKernels

/// What a kernel does to its result before it writes it, so that no other kernel has to read it again: it adds the bias, then another value,
/// and clamps the sum. A gradient is set to 0 where the value that it belongs to was clamped.
struct Finish: Sendable {
  /// `[columns]`
  var bias: Lowering.Operand?
  /// Like the result.
  var addend: Lowering.BufferID?
  var clamp: ClosedRange<Float> = -.infinity ... .infinity
  /// The clamped value that a gradient belongs to, and its bounds.
  var mask: Clamped?
  /// The same as an activation mask, written by the kernel that clamped the value.
  var savedMask: Lowering.BufferID?
  /// Where to write an activation mask: a bit for each value, set where it is strictly inside `clamp`. For a multiple of 16 channels.
  var activationMask: Lowering.BufferID?

  /// The result of a clamp.
  struct Clamped: Sendable {
    let value: Lowering.BufferID
    let range: ClosedRange<Float>
  }

  /// What the instruction reads and writes for it, beside its own operands.
  var operands: [Lowering.Operand] {
    [bias].compactMap(\.self) + [addend, mask?.value, savedMask, activationMask].compactMap { $0.map(Lowering.Operand.buffer) }
  }

  /// The finish in the memory of one call.
  func bound(to memory: BoundOperands) -> kernels_finish {
    func bits(_ buffer: Lowering.BufferID?) -> UnsafeMutablePointer<UInt8>? {
      buffer.map { UnsafeMutableRawPointer(memory[$0]).assumingMemoryBound(to: UInt8.self) }
    }
    let bounds = mask?.range ?? -.infinity ... .infinity
    return kernels_finish(
      bias: bias.map { UnsafePointer(memory[$0]) }, addend: addend.map { UnsafePointer(memory[$0]) },
      mask: mask.map { UnsafePointer(memory[$0.value]) }, passes: bits(savedMask), inside: bits(activationMask),
      low: clamp.lowerBound, high: clamp.upperBound, mask_low: bounds.lowerBound, mask_high: bounds.upperBound)
  }
}

extension Lowering {
  /// Emits a kernel of our own that finishes its results.
  mutating func emit(
    _ label: String, _ operands: [Operand], _ finish: Finish,
    run: @escaping @Sendable (_ memory: BoundOperands, _ finish: UnsafePointer<kernels_finish>) -> Void
  ) {
    emit(label, operands + finish.operands) { memory, _ in
      var bound = finish.bound(to: memory)
      run(memory, &bound)
    }
  }
}
