import TensorEngine

/// The logit of the class aimed at less that of the true class: 0 on the boundary between the two.
struct LogitDifference: Loss {
  func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    for index in gradient.values.indices { gradient.values[index] = 0 }
    let classes = targets.targetClasses ?? targets.labels
    return targets.labels.indices.map { row in
      let target = row * logits.stride + classes[row]
      let label = row * logits.stride + targets.labels[row]
      gradient.values[target] += 1
      gradient.values[label] -= 1
      return logits.values[target] - logits.values[label]
    }
  }
}

extension Tensor {
  /// Of each row of logits: at most `count` classes other than the label, the highest logit first.
  func otherClasses(than labels: [Int], atMost count: Int) -> [[Int]] {
    labels.indices.map { row in Array(largest(count + 1, ofExample: row).filter { $0 != labels[row] }.prefix(count)) }
  }

  /// Of each row of logits: the label's less the highest of the others, above 0 while the row is right.
  func margins(of labels: [Int]) -> [Float] {
    values.withUnsafeBufferPointer { logits in
      labels.indices.map { row in
        let own = row * stride + labels[row]
        var highest = -Float.infinity
        for index in row * stride..<(row + 1) * stride where index != own && logits[index] > highest { highest = logits[index] }
        return logits[own] - highest
      }
    }
  }
}
