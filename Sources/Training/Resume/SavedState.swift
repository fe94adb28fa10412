/// From where a job would go on if its process died now.
package struct SavedState: Hashable, Sendable, Codable {
  /// Weight updates since the start.
  package let step: Int
  /// Rises with everything that need not be done again: updates, and finished shards of evaluations. A job whose position rises from
  /// attempt to attempt gets on.
  package let position: Int

  package init(step: Int, position: Int) {
    self.step = step
    self.position = position
  }
}
