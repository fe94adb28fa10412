extension Preset {
  static let linear = Preset(
    name: "linear",
    description: "softmax regression on the pixels",
    source: "the linear model of Goodfellow et al. 2015, arXiv:1412.6572, section 5",
    parameters: [],
    network: .layers { _, classes in [.flatten, .linear(units: classes)] })
}
