import JSON
import TensorEngine

/// A row of the table of preprocessing: what may be done to an image before the network sees it.
///
/// To add one is to add its operation to the tensor engine, and its row to `all`.
package struct PreprocessingDefinition: Sendable {
  package let name: String
  /// A sentence.
  package let summary: String
  package let fields: [Field]
  let operation: @Sendable (FieldValues) -> any Operation

  package static let all: [PreprocessingDefinition] = [bitDepth, median, gaussianBlur, jpeg, noise]

  package static let bitDepth = PreprocessingDefinition(
    name: "bit_depth", summary: "Each pixel rounded to one of 2^bits values (Xu et al. 2018, arXiv:1704.01155).",
    fields: [Field("bits", .integer(1...8), .required, help: "Bits of a pixel.")]
  ) { BitDepth(bits: $0.integer("bits")) }

  package static let median = PreprocessingDefinition(
    name: "median", summary: "The median of the window around each pixel (Xu et al. 2018, arXiv:1704.01155).",
    fields: [Field("size", .odd(3...5), default: 3, help: "Rows and columns of the window.")]
  ) { MedianFilter(size: $0.integer("size")) }

  package static let gaussianBlur = PreprocessingDefinition(
    name: "gaussian_blur", summary: "A blur by a normal distribution.",
    fields: [
      Field("sigma", .number(above: 0, to: 16), .required, help: "The standard deviation, in pixels."),
      Field("size", .odd(3...129), help: "Rows and columns of the window; by default it reaches over four sigma to each side."),
    ]
  ) { GaussianBlur(deviation: $0.number("sigma"), size: $0.optionalInteger("size")) }

  package static let jpeg = PreprocessingDefinition(
    name: "jpeg", summary: "JPEG compression and decompression, of grey or colour images, colours not subsampled.",
    fields: [Field("quality", .integer(1...100), default: 75, help: "The quality, as libjpeg counts it.")]
  ) { JPEGCompression(quality: $0.integer("quality")) }

  package static let noise = PreprocessingDefinition(
    name: "noise", summary: "Normal noise, new for each draw, and the sum clipped to [0, 1]: the network becomes random.",
    fields: [Field("sigma", .number(above: 0, to: 1, unit: .pixels), .required, help: "The standard deviation, of pixels in [0, 1].")]
  ) { GaussianNoise(deviation: Float($0.number("sigma"))) }
}
