import JSON
import TensorEngine

/// Takes each channel to mean 0 and deviation 1 before the first layer, so that epsilon stays in units of pixels.
package struct Normalization: Hashable, Sendable, Codable {
  /// One value per channel, of pixels in [0, 1]; for rows of features one per feature; or one for all.
  package let mean: [Float]
  /// The standard deviations.
  package let std: [Float]

  /// Of ImageNet's training images, as torchvision and timm have them.
  package static let imageNet = Normalization(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
  /// Pixels from −1 to 1.
  package static let minusOneToOne = Normalization(mean: [0.5], std: [0.5])

  /// As documents have it.
  package var json: JSONValue {
    // Of a number in single precision the shortest text that means it.
    func numbers(_ values: [Float]) -> JSONValue { .array(values.map { .number(Double("\($0)") ?? Double($0)) }) }
    return ["mean": numbers(mean), "std": numbers(std)]
  }

  package init(mean: [Float], std: [Float]) {
    self.mean = mean
    self.std = std
  }
}
