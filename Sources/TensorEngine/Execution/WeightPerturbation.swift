/// A change of the weights that is put on before a pass and taken off after it, or after the update that follows (adversarial weight
/// perturbation, Wu et al. 2020, arXiv:2004.05884).
///
/// Tensor by tensor, and of those alone that have more than one dimension: biases and the scales of batch norm stay as they are.
package struct WeightPerturbation: Sendable {
  /// As the learnt weights lie in their layout.
  private let change: [Float]

  /// - Parameters:
  ///   - direction: as the learnt weights lie in their layout; of each tensor it is scaled to `size` times the length of the weights.
  package init(along direction: [Float], of parameters: Parameters, size: Double) {
    let layout = parameters.layout
    precondition(direction.count == layout.trainedCount, "\(direction.count) numbers for \(layout.trainedCount) weights")
    var change = [Float](repeating: 0, count: direction.count)
    parameters.withValues { weights in
      for parameter in layout.ids where layout[parameter].isTrained && layout[parameter].shape.rank > 1 {
        let range = layout.range(parameter)
        let length = Self.length(direction[range])
        guard length > 0 else { continue }
        let scale = size * Self.length(weights[range]) / length
        for position in range { change[position] = Float(scale * Double(direction[position])) }
      }
    }
    self.change = change
  }

  package func add(to parameters: Parameters) {
    parameters.withValues { weights in for (index, value) in change.enumerated() { weights[index] += value } }
  }

  /// Takes the same difference off again, whatever has become of the weights meanwhile.
  package func remove(from parameters: Parameters) {
    parameters.withValues { weights in for (index, value) in change.enumerated() { weights[index] -= value } }
  }

  private static func length(_ values: some Sequence<Float>) -> Double {
    values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  }
}
