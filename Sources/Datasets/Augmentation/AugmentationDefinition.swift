import JSON
import TensorEngine

/// A row of the table of augmentations. Each draws the same count of random numbers whatever comes out, so that what follows it draws the
/// same too.
package struct AugmentationDefinition: Sendable {
  package let name: String
  /// A sentence.
  package let summary: String
  package let fields: [Field]
  /// The field that is a length of pixels, no longer than a side of the image.
  var sideLength: String?
  let augment: @Sendable (FieldValues, inout ImageValues, inout RandomStream) -> Void

  package static let all: [AugmentationDefinition] = [randomCrop, flip, cutout, gaussianNoise]

  package static let randomCrop = AugmentationDefinition(
    name: "random_crop",
    summary: "The image in a border of zeros, cut to its size again at a random place (torchvision's `RandomCrop(size, padding)`).",
    fields: [Field("padding", .integer(1...4_096), default: 4, help: "The border, in pixels.")], sideLength: "padding"
  ) { values, image, random in
    let padding = values.integer("padding")
    let (top, left) = (random.whole(below: 2 * padding + 1), random.whole(below: 2 * padding + 1))
    image = image.cut(top: top, left: left, padding: padding)
  }

  package static let flip = AugmentationDefinition(
    name: "flip", summary: "The image mirrored from left to right (torchvision's `RandomHorizontalFlip`).",
    fields: [Field("probability", .number(0...1), default: 0.5, help: "How often.")]
  ) { values, image, random in
    if Double(random.uniform()) < values.number("probability") { image = image.mirrored }
  }

  package static let cutout = AugmentationDefinition(
    name: "cutout",
    summary: """
      A square of zeros around a random pixel, cut off where it goes beyond the image (DeVries and Taylor 2017, arXiv:1708.04552; in \
      adversarial training Rice et al. 2020, arXiv:2002.11569).
      """,
    fields: [Field("size", .integer(1...4_096), default: 8, help: "Its side, in pixels.")], sideLength: "size"
  ) { values, image, random in
    let (row, column) = (random.whole(below: image.height), random.whole(below: image.width))
    image = image.blanked(around: row, column, size: values.integer("size"))
  }

  package static let gaussianNoise = AugmentationDefinition(
    name: "gaussian_noise",
    summary: """
      Gaussian noise on every pixel, which may lead beyond [0, 1]: what a network must bear that is certified by smoothing (Cohen et al. \
      2019, arXiv:1902.02918). An attack on the noisy image ends within [0, 1].
      """,
    fields: [Field("sigma", .number(0...10, unit: .pixels), default: 0.25, help: "Its deviation.")]
  ) { values, image, random in
    let sigma = Float(values.number("sigma"))
    for (pixel, noise) in random.normals(count: image.values.count).enumerated() { image.values[pixel] += sigma * noise }
  }
}

extension RandomStream {
  /// A whole number in `0..<count`, each as likely as any other to within 2⁻²⁴.
  fileprivate mutating func whole(below count: Int) -> Int { min(Int(uniform() * Float(count)), count - 1) }
}
