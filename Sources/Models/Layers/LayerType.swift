/// The layers a list may name.
package enum LayerType: String, CaseIterable, Hashable, Sendable {
  case conv, relu, relu6, gelu, silu
  case leakyReLU = "leaky_relu"
  case sigmoid, tanh
  case hardSigmoid = "hard_sigmoid"
  case hardSwish = "hard_swish"
  case batchNorm = "batch_norm"
  case layerNorm = "layer_norm"
  case maxPool = "max_pool"
  case avgPool = "avg_pool"
  case globalAvgPool = "global_avg_pool"
  case flatten, linear, dropout, residual

  package var summary: String {
    switch self {
    case .conv: "cross-correlation over the image, as PyTorch's Conv2d"
    case .relu: "max(x, 0)"
    case .relu6: "min(max(x, 0), 6)"
    case .gelu: "x times the normal distribution function at x, as PyTorch's GELU"
    case .silu: "x times the logistic function at x"
    case .leakyReLU: "x where it is above 0, else x times slope"
    case .sigmoid: "the logistic function, 1 / (1 + exp(-x))"
    case .tanh: "the hyperbolic tangent"
    case .hardSigmoid: "slope times x plus offset, within [0, 1]"
    case .hardSwish: "x times x / 6 + 1/2 within [0, 1]"
    case .layerNorm: "each row over the last dimension normalised by itself, as PyTorch's LayerNorm"
    case .batchNorm: "each channel normalised over the batch, as PyTorch's BatchNorm2d"
    case .globalAvgPool: "the mean of each channel over the whole image: a row of features"
    case .maxPool: "the maximum over each window"
    case .avgPool: "the mean over each window; padding counts as zeros"
    case .flatten: "an image as a row of features, channel by channel"
    case .linear: "a fully connected layer"
    case .dropout: "in training, sets each value to zero with probability rate and divides the rest by 1 - rate"
    case .residual: "the sum of what layers and shortcut make of the input; an empty shortcut hands it through"
    }
  }
}
