import TensorEngine

extension Weights {
  /// First weights as PyTorch draws them for `Linear` and `Conv2d`: weight and bias both uniform in ±1/√fan-in (`kaiming_uniform_`
  /// with a = √5, torch/nn/modules/linear.py).
  ///
  /// Each parameter has its own stream, so that a tensor depends only on the seed, its position and its shape.
  package init(_ layout: ParameterLayout, seed: UInt64) {
    let tensors = layout.parameters.enumerated().map { index, parameter in
      var random = RandomStream(seed: seed, purpose: .initialisation, example: index)
      return Tensor(parameter.shape, values: (0..<parameter.shape.count).map { _ in parameter.initial.draw(&random) })
    }
    self.init(layout, tensors: tensors)
  }
}

extension ParameterSpecification.Initial {
  fileprivate func draw(_ random: inout RandomStream) -> Float {
    switch self {
    case .uniform(let fanIn):
      let bound = Float(1 / Double(fanIn).squareRoot())
      return random.uniform(-bound, bound)
    case .normal(let deviation): return deviation * random.normal()
    case .constant(let value): return value
    }
  }
}
