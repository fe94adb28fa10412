/// What whoever brings arrays may say of them.
package struct ArrayOptions: Hashable, Sendable {
  /// Where the channels of an image lie.
  package enum Layout: String, CaseIterable, Hashable, Sendable {
    /// `[n, height, width, channels]`.
    case nhwc
    /// `[n, channels, height, width]`, as PyTorch has it.
    case nchw
  }

  /// The value of white in images of floats; nil: 1.
  package var scale: Double?
  /// nil: by the dimensions.
  package var layout: Layout?

  package init(scale: Double? = nil, layout: Layout? = nil) {
    self.scale = scale
    self.layout = layout
  }
}
