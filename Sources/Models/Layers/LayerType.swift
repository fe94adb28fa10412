/// The layers a list may name.
package enum LayerType: String, CaseIterable, Hashable, Sendable {
  case conv, relu, relu6, gelu, silu
  case batchNorm = "batch_norm"
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
