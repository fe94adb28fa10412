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

  /// The result of a clamp.
  struct Clamped: Sendable {
    let value: Lowering.BufferID
    let range: ClosedRange<Float>
  }

  /// What the instruction reads for it, after its own operands.
  var operands: [Lowering.Operand] {
    [bias, addend.map(Lowering.Operand.buffer), mask.map { .buffer($0.value) }].compactMap(\.self)
  }

  /// The finish of the call whose pointers from `first` on are `operands`.
  func bound(to pointers: [UnsafeMutablePointer<Float>], from first: Int) -> kernels_finish {
    var next = first
    func place(_ isThere: Bool) -> UnsafePointer<Float>? {
      guard isThere else { return nil }
      defer { next += 1 }
      return UnsafePointer(pointers[next])
    }
    let passes = mask?.range ?? -.infinity ... .infinity
    return kernels_finish(
      bias: place(bias != nil), addend: place(addend != nil), mask: place(mask != nil), low: clamp.lowerBound, high: clamp.upperBound,
      mask_low: passes.lowerBound, mask_high: passes.upperBound)
  }
}

extension Lowering {
  /// Emits a kernel of our own that finishes its results; `run` is given the places of `operands`, and the finish.
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
