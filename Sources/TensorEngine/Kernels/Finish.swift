import CKernels

/// What happens to a result on its way to memory, so that no pass over it follows: the bias is added, then another value, then it is
/// clamped; a gradient is masked where the value before it was clamped.
struct Finish: Sendable {
  /// `[columns]`
  var bias: Lowering.Operand?
  /// Like the result.
  var addend: Lowering.BufferID?
  var clamp: ClosedRange<Float> = -.infinity ... .infinity
  /// The clamped value through which a gradient passes, and its bounds.
  var mask: Clamped?
  /// The same as a bit for each value, as the kernel that clamped it left them.
  var savedMask: Lowering.BufferID?
  /// Where to leave a bit for each value: whether it is strictly inside `clamp`. For a multiple of 16 channels.
  var activationMask: Lowering.BufferID?

  /// The result of a clamp.
  struct Clamped: Sendable {
    let value: Lowering.BufferID
    let range: ClosedRange<Float>
  }

  /// What the instruction reads and writes for it, after its own operands.
  var operands: [Lowering.Operand] {
    [bias].compactMap(\.self) + [addend, mask?.value, savedMask, activationMask].compactMap { $0.map(Lowering.Operand.buffer) }
  }

  /// The finish of the call whose pointers from `first` on are `operands`.
  func bound(to pointers: [UnsafeMutablePointer<Float>], from first: Int) -> kernels_finish {
    var next = first
    func pointer(_ isThere: Bool) -> UnsafePointer<Float>? {
      guard isThere else { return nil }
      defer { next += 1 }
      return UnsafePointer(pointers[next])
    }
    func bits(_ isThere: Bool) -> UnsafeMutablePointer<UInt8>? {
      pointer(isThere).map { UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt8.self) }
    }
    let bounds = mask?.range ?? -.infinity ... .infinity
    return kernels_finish(
      bias: pointer(bias != nil), addend: pointer(addend != nil), mask: pointer(mask != nil), passes: bits(savedMask != nil),
      inside: bits(activationMask != nil), low: clamp.lowerBound, high: clamp.upperBound, mask_low: bounds.lowerBound,
      mask_high: bounds.upperBound)
  }
}

extension Lowering {
  /// Emits a kernel of our own that finishes its results; `run` is given the pointers of `operands`, and the finish.
  mutating func emit(
    _ label: String, _ operands: [Operand], _ finish: Finish,
    run: @escaping @Sendable (_ pointers: [UnsafeMutablePointer<Float>], _ finish: UnsafePointer<kernels_finish>) -> Void
  ) {
    emit(label, operands + finish.operands) { pointers, _ in
      var bound = finish.bound(to: pointers, from: operands.count)
      run(pointers, &bound)
    }
  }
}
