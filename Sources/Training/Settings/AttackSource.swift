import TensorEngine

/// Against which weights the adversarial images of a retraining are made.
package enum AttackSource: String, CaseIterable, Hashable, Sendable {
  /// Those that are being trained, batch by batch.
  case current
  /// Those of the base model, once, when the base stage has ended; every epoch of the retraining learns from the same images.
  case base
}

extension TrainingSettings {
  /// Whether the retraining learns from adversarial images of the base model.
  package var attacksBase: Bool { attacks && attackSource == .base }

  /// The memory that these images take while they are made; afterwards they are on the disk.
  ///
  /// - Parameter examples: how many there are to train on.
  package func baseImageBytes(_ graph: Graph, examples: Int) -> Int {
    attacksBase ? BaseImages.bytes(graph.inputShape, graph.sharding) + examples * MemoryLayout<Int>.size : 0
  }
}
