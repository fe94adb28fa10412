import TensorEngine

/// The output of the class that the label names: raising it has the image taken for that class.
package struct TargetClassOutput: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    let classes = logits.stride
    for index in gradient.values.indices { gradient.values[index] = 0 }
    return (0..<logits.batch).map { row in
      gradient.values[row * classes + targets.labels[row]] = 1
      return logits.values[row * classes + targets.labels[row]]
    }
  }
}
