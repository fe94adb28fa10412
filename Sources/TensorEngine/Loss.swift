import Foundation

/// What a loss compares the logits with, an entry an example.
package struct LossTargets: Sendable {
  /// The true class.
  package let labels: [Int]
  /// The class that the example is to be taken for, for targeted losses.
  package let targetClasses: [Int]?
  /// `[batch, classes]`: other logits of the same examples, such as those of the clean images, for a divergence between the two.
  package let referenceLogits: Tensor?
  /// What the examples are called in their dataset, for networks that draw for each example. No loss looks at them.
  package let ids: [Int]?

  package init(labels: [Int], targetClasses: [Int]? = nil, referenceLogits: Tensor? = nil, ids: [Int]? = nil) {
    self.labels = labels
    self.targetClasses = targetClasses
    self.referenceLogits = referenceLogits
    self.ids = ids
  }

  /// The same for a loss that aims at a class of each example.
  package func aimed(at classes: [Int]) -> LossTargets {
    LossTargets(labels: labels, targetClasses: classes, referenceLogits: referenceLogits, ids: ids)
  }

  /// Those of the examples in `rows`, in that order.
  package func gathered(_ rows: [Int]) -> LossTargets {
    LossTargets(
      labels: rows.map { labels[$0] }, targetClasses: targetClasses.map { classes in rows.map { classes[$0] } },
      referenceLogits: referenceLogits?.gathered(rows), ids: ids.map { ids in rows.map { ids[$0] } })
  }
}

/// A function of the logits that an attack raises or training lowers.
package protocol Loss: Sendable {
  /// The loss of each example, and the gradient of their *sum* with respect to the logits.
  ///
  /// - Parameters:
  ///   - logits: `[batch, classes]`, before softmax.
  ///   - targets: of each example; a loss uses what it needs of them.
  ///   - gradient: `[batch, classes]`, overwritten.
  func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float]
}

extension Loss {
  /// The same for a loss that needs the labels alone.
  package func callAsFunction(_ logits: Tensor, labels: [Int], gradient: inout Tensor) -> [Float] {
    self(logits, targets: LossTargets(labels: labels), gradient: &gradient)
  }
}

/// Softmax cross-entropy: −log softmax(z)[y]. With label smoothing s (Szegedy et al. 2016, arXiv:1512.00567; PyTorch's
/// `CrossEntropyLoss(label_smoothing=s)`) it is (1 − s) times that, and s times the mean of −log softmax(z) over all classes.
package struct CrossEntropy: Loss {
  /// In [0, 1).
  private let labelSmoothing: Float

  package init(labelSmoothing: Float = 0) { self.labelSmoothing = labelSmoothing }

  package func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    let classes = logits.stride
    let labels = targets.labels
    return logits.values.withUnsafeBufferPointer { z in
      gradient.values.withUnsafeMutableBufferPointer { g in
        (0..<logits.batch).map { row in
          let base = row * classes
          var top = z[base]
          for k in 1..<max(classes, 1) { top = max(top, z[base + k]) }
          var sum: Float = 0
          for k in 0..<classes {
            let e = exp(z[base + k] - top)
            g[base + k] = e
            sum += e
          }
          for k in 0..<classes { g[base + k] /= sum }
          guard labelSmoothing > 0 else {
            g[base + labels[row]] -= 1
            return log(sum) - (z[base + labels[row]] - top)
          }
          g[base + labels[row]] -= 1 - labelSmoothing
          var mean: Float = 0
          for k in 0..<classes {
            g[base + k] -= labelSmoothing / Float(classes)
            mean += (z[base + k] - top) / Float(classes)
          }
          return log(sum) - (1 - labelSmoothing) * (z[base + labels[row]] - top) - labelSmoothing * mean
        }
      }
    }
  }
}

/// The negated output of the true class: raising it is the tutorial's "minimise the true class's output".
package struct TrueClassOutput: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    let classes = logits.stride
    let labels = targets.labels
    for index in gradient.values.indices { gradient.values[index] = 0 }
    return (0..<logits.batch).map { row in
      gradient.values[row * classes + labels[row]] = -1
      return -logits.values[row * classes + labels[row]]
    }
  }
}
