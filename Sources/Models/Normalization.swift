import TensorEngine

/// Takes each channel to mean 0 and deviation 1 before the first layer, so that epsilon stays in units of pixels.
package struct Normalization: Hashable, Sendable, Codable {
  /// One value per channel, of pixels in [0, 1]; for rows of features one per feature, or one for all.
  package let mean: [Float]
  /// The standard deviations.
  package let std: [Float]

  package init(mean: [Float], std: [Float]) {
    self.mean = mean
    self.std = std
  }
}
