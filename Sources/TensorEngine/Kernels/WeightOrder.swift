/// The strides of a convolution's weights, `[filters, channels, height, width]`.
struct WeightOrder {
  /// Floats from one filter to the next, and from one channel to the next.
  let filterStride, channelStride: Int64
  /// Whether each window is rotated by 180°.
  let isFlipped: Bool

  /// - Parameter isTransposed: for the gradient with respect to the input of a convolution of stride 1. It is a convolution too, with flipped
  ///   windows and with channels and filters exchanged.
  init(channels: Int, filters: Int, window: Window, isTransposed: Bool) {
    let taps = window.height * window.width
    filterStride = Int64(isTransposed ? taps : channels * taps)
    channelStride = Int64(isTransposed ? filters * taps : taps)
    isFlipped = isTransposed
  }
}
