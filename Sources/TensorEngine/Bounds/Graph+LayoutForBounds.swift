extension Graph {
  /// The layout with first values for which the expected radius of interval bounds neither grows nor shrinks from layer to layer: normal with
  /// deviation √(2π) / fan-in, half of that behind a residual sum, the last layer as it is (Shi et al. 2021, arXiv:2103.17184, section 3.2).
  package var layoutForBounds: ParameterLayout {
    var specifications = parameterSpecifications
    for node in nodeIDs where node != output {
      guard let layer = self[node].operation as? any WeightedOperation else { continue }
      let shape = parameterShape(layer.weight)
      let fanIn = Float(shape.count / max(shape[0], 1))
      let before = self[self[node].inputs[0]].inputs.first
      let share: Float = before.map { self[$0].operation is Add } == true ? 0.5 : 1
      let own = specifications[layer.weight.index]
      specifications[layer.weight.index] = ParameterSpecification(
        name: own.name, shape: own.shape, initial: .normal(deviation: share * (2 * Float.pi).squareRoot() / fanIn), isTrained: own.isTrained
      )
    }
    return ParameterLayout(specifications)
  }
}
