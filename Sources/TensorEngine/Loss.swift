import Foundation

/// A function of the logits that an attack raises or training lowers.
package protocol Loss: Sendable {
  /// The loss of each example, and the gradient of their *sum* with respect to the logits.
  ///
  /// - Parameters:
  ///   - logits: `[batch, classes]`, before softmax.
  ///   - labels: the true class of each example.
  ///   - gradient: `[batch, classes]`, overwritten.
  func callAsFunction(_ logits: Tensor, labels: [Int], gradient: inout Tensor) -> [Float]
}

/// Softmax cross-entropy: −log softmax(z)[y].
package struct CrossEntropy: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, labels: [Int], gradient: inout Tensor) -> [Float] {
    let classes = logits.stride
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
          g[base + labels[row]] -= 1
          return log(sum) - (z[base + labels[row]] - top)
        }
      }
    }
  }
}

/// The negated output of the true class: raising it is the tutorial's "minimise the true class's output".
package struct TrueClassOutput: Loss {
  package init() {}

  package func callAsFunction(_ logits: Tensor, labels: [Int], gradient: inout Tensor) -> [Float] {
    let classes = logits.stride
    for index in gradient.values.indices { gradient.values[index] = 0 }
    return (0..<logits.batch).map { row in
      gradient.values[row * classes + labels[row]] = -1
      return -logits.values[row * classes + labels[row]]
    }
  }
}
