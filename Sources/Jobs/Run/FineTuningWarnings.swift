import Models
import Robustness

/// What a job that begins with given weights has to say of them.
extension Warning {
  /// The weights are those of a network for other classes.
  ///
  /// - Parameters:
  ///   - names: of the weights of the last layer.
  ///   - given: the classes of the weights, and those of the data set.
  static func newLastLayer(_ names: [String], classes given: (weights: Int, dataset: Int)) -> Warning {
    Warning(code: "new_last_layer", detail: newLastLayerDetail(names, classes: given))
  }

  /// What the file of the weights holds beside them; none where there is nothing else.
  static func tensorsLeftOut(_ fit: WeightFit) -> [Warning] {
    fit.notices.isEmpty ? [] : [Warning(code: "tensors_left_out", detail: fit.notices.joined(separator: " "))]
  }

  static func newLastLayerDetail(_ names: [String], classes given: (weights: Int, dataset: Int)) -> String {
    """
    The weights of model.init end in \(given.weights) classes and the data set has \(given.dataset), so the last layer \
    (\(names.joined(separator: ", "))) begins anew, drawn by the seed; all others are as given.
    """
  }
}
