/// The state of a method: numbers that it carries from update to update, zero at first, saved and resumed with the run.
///
/// `@unchecked Sendable`: they are written between batches, by one thread, and only read meanwhile.
package final class MethodState: @unchecked Sendable {
  package let values: UnsafeMutableBufferPointer<Float>

  package init(count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }

  /// As at first.
  func reset() { values.update(repeating: 0) }

  package var count: Int { values.count }

  package subscript(index: Int) -> Float {
    get { values[index] }
    set { values[index] = newValue }
  }
}
