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
  /// Of each row of logits: the classes other than the label, the highest logit first.
  func otherClasses(than labels: [Int]) -> [[Int]] {
    labels.indices.map { row in
      let logits = Array(self[example: row])
      return logits.indices.filter { $0 != labels[row] }.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
    }
  }

  /// Of each row of logits: the class of the highest one beside the label's; `nil` where there is no other class.
  func bestOtherClasses(than labels: [Int]) -> [Int?] {
    labels.indices.map { row in
      let logits = self[example: row]
      var best: Int?
      for index in logits.indices where index - logits.startIndex != labels[row] {
        if best.map({ logits[index] > logits[$0] }) ?? true { best = index }
      }
      return best.map { $0 - logits.startIndex }
    }
  }

  /// Of each row of logits: the label's less the highest of the others, above 0 while the row is right.
  func margins(of labels: [Int]) -> [Float] {
    zip(labels.indices, bestOtherClasses(than: labels)).map { row, other in
      let start = row * stride
      return values[start + labels[row]] - (other.map { values[start + $0] } ?? -.infinity)
    }
  }
}
