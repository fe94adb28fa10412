/// Where a kernel finds the weights of a convolution, `[filters, channels, height, width]`, in PyTorch's order.
struct WeightOrder {
  /// Floats from one filter to the next, and from one channel to the next.
  let filterStride, channelStride: Int64
  /// Whether each window is turned by half a turn.
  let isFlipped: Bool

  /// - Parameter isTransposed: for the gradient at the input of a convolution, itself a convolution with flipped windows, whose channels
  ///   are the other's filters.
  init(channels: Int, filters: Int, window: Window, isTransposed: Bool) {
    let taps = window.height * window.width
    filterStride = Int64(isTransposed ? taps : channels * taps)
    channelStride = Int64(isTransposed ? filters * taps : taps)
    isFlipped = isTransposed
  }
}
