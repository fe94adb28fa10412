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

  static func newLastLayerDetail(_ names: [String], classes given: (weights: Int, dataset: Int)) -> String {
    """
    The weights of model.init end in \(given.weights) classes and the data set has \(given.dataset), so the last layer \
    (\(names.joined(separator: ", "))) begins anew, drawn by the seed; all others are as given.
    """
  }
}
