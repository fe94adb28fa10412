import Models
import TensorEngine

extension Parameters {
  /// - Throws: `WeightsError` when the weights do not fit.
  convenience init(_ weights: Weights, for layout: ParameterLayout) throws {
    self.init(layout)
    for (parameter, tensor) in zip(layout.ids, try weights.tensors(for: layout)) { self[parameter] = tensor }
  }
}
