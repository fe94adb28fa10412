/// The weights of one network, in PyTorch's order, in one run of memory.
///
/// `@unchecked Sendable`: their owner writes them only while no task of an engine reads them, because `Engine.parallel` returns after its
/// last task; or tasks write disjoint ranges.
package final class Parameters: @unchecked Sendable {
  package let layout: ParameterLayout
  let memory: Memory

  /// All zeros.
  package init(_ layout: ParameterLayout) {
    self.layout = layout
    memory = Memory(bytes: layout.count * 4)
  }

  /// Calls `body` with all values, in the order of `layout`. The buffer is valid only within `body`.
  package func withValues<Result>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(memory) { try body(UnsafeMutableBufferPointer(start: memory.floats(), count: layout.count)) }
  }

  package subscript(parameter: ParameterID) -> Tensor {
    get { Tensor(layout[parameter].shape, values: withValues { Array($0[layout.range(parameter)]) }) }
    set {
      precondition(newValue.shape == layout[parameter].shape, "\(layout[parameter].name) takes another shape")
      withValues { for (index, value) in zip(layout.range(parameter), newValue.values) { $0[index] = value } }
    }
  }

  /// The values of those that are not learnt, which stand behind all others: the running statistics of batch norm.
  package var untrainedValues: [Float] {
    get { withValues { Array($0[layout.trainedCount...]) } }
    set {
      precondition(newValue.count == layout.count - layout.trainedCount, "values of another network")
      withValues { for (offset, value) in newValue.enumerated() { $0[layout.trainedCount + offset] = value } }
    }
  }

  /// The same values in memory of their own.
  package func copied() -> Parameters {
    let copy = Parameters(layout)
    copy.copy(from: self)
    return copy
  }

  /// Copies the values of parameters of the same layout.
  package func copy(from other: Parameters) {
    precondition(other.layout == layout, "parameters of another network")
    memory.base.copyMemory(from: other.memory.base, byteCount: layout.count * 4)
  }
}
