/// What a program is compiled for: the gradients that it computes, and how its layers behave. Options combine freely; the named sets are
/// those in common use.
package struct Purpose: OptionSet, Hashable, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// The backward pass computes the gradients of the weights. In the forward pass batch norm then updates its running statistics.
  package static let weightGradients = Purpose(rawValue: 1 << 0)
  /// The backward pass computes the gradient of the input.
  package static let inputGradient = Purpose(rawValue: 1 << 1)
  /// Batch norm uses the statistics of the whole batch, and gradients pass through them. Otherwise it uses its running statistics.
  package static let batchStatistics = Purpose(rawValue: 1 << 2)
  /// Dropout drops values. Otherwise it passes its input on.
  package static let dropout = Purpose(rawValue: 1 << 3)

  /// Logits, as PyTorch's `eval()` under `no_grad()`.
  package static let inference: Purpose = []
  /// Logits and the gradient of the input, as PyTorch's `eval()`.
  package static let attack: Purpose = [.inputGradient]
  /// As `attack`, with the statistics of the batch under attack.
  package static let attackOnBatch: Purpose = [.inputGradient, .batchStatistics]
  /// Logits and the gradients of the weights, as PyTorch's `train()`.
  package static let training: Purpose = [.weightGradients, .batchStatistics, .dropout]

  /// What must survive the forward pass for the backward pass.
  enum Retained {
    /// Nothing: there is no backward pass.
    case nothing
    /// One bit for each value of a ReLU, where the gradient of the input needs no more.
    case masks
    /// The values: gradients of weights and of batch statistics are computed from them.
    case values
  }

  var retain: Retained {
    guard hasBackward else { return .nothing }
    return isDisjoint(with: [.weightGradients, .batchStatistics]) ? .masks : .values
  }

  /// Whether there is a backward pass.
  package var hasBackward: Bool { !isDisjoint(with: [.weightGradients, .inputGradient]) }
}

extension Purpose: CustomStringConvertible {
  package var description: String {
    let names: [(Purpose, String)] = [
      (.weightGradients, "weight gradients"), (.inputGradient, "input gradient"), (.batchStatistics, "batch statistics"),
      (.dropout, "dropout"),
    ]
    return isEmpty ? "inference" : names.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }
}
