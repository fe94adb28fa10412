import Foundation
import TensorEngine

/// How the size of a perturbation is measured.
package enum Norm: String, CaseIterable, Hashable, Sendable, Codable {
  case linf, l2, l1

  /// As a reader writes it.
  package var symbol: String {
    switch self {
    case .linf: "L∞"
    case .l2: "L2"
    case .l1: "L1"
    }
  }
}

/// What an adversary may do to an image: move it by at most `epsilon` in `norm`, within the box [0, 1].
package struct Threat: Hashable, Sendable, Codable {
  package var norm: Norm
  /// In units of pixels scaled to [0, 1], before any normalisation (which is part of the model).
  package var epsilon: Double

  package init(norm: Norm, epsilon: Double) {
    self.norm = norm
    self.epsilon = epsilon
  }

  /// The share of pixels that a step in L1 moves.
  private static let sparsity = 0.01

  /// The range of a pixel.
  package static let box: ClosedRange<Float> = 0...1

  /// Turns a gradient into the step of length 1 in this norm that raises the loss most: its sign for L∞, g/‖g‖₂ for L2. For L1 that would
  /// be a single pixel; the signs of its largest hundredth do nearly as well and far faster (Tramèr and Boneh 2019, arXiv:1904.13000).
  ///
  /// A zero gradient gives a zero step; a NaN counts as 0, an infinity as the largest finite number.
  package func direct(_ gradient: inout Tensor) {
    switch norm {
    case .linf: gradient.replaceBySigns()
    case .l2: gradient.normaliseExamples()
    case .l1: gradient.keepSignsOfLargest(share: Self.sparsity)
    }
  }

  /// Brings `images` back into the ball around `clean` and the box, both `[batch] + image`, `clean` in the box.
  package func project(_ images: inout Tensor, around clean: Tensor) {
    switch norm {
    case .linf: images.clamp(around: clean, by: Float(epsilon), within: Self.box)
    case .l2: images.shrink(around: clean, to: epsilon, within: Self.box)
    case .l1: images.projectOntoL1Ball(around: clean, radius: epsilon, within: Self.box)
    }
  }

  /// Brings differences from clean images, `[batch] + image`, back into the ball, whatever the images.
  package func projectOntoBall(_ differences: inout Tensor) {
    let centre = Tensor(zeros: differences.shape)
    // No image of the box lies further from another one.
    let range = -Self.box.upperBound...Self.box.upperBound
    switch norm {
    case .linf: differences.clamp(around: centre, by: Float(epsilon), within: range)
    case .l2: differences.shrink(around: centre, to: epsilon, within: range)
    case .l1: differences.projectOntoL1Ball(around: centre, radius: epsilon, within: range)
    }
  }

  /// One step of length `size` in the direction that raises the loss most, and back into ball and box:
  /// `images += size · direct(gradient); project(images, around: clean)`, for L∞ in one pass over memory.
  ///
  /// - Parameter gradient: may be overwritten.
  package func ascend(_ images: inout Tensor, along gradient: inout Tensor, by size: Double, around clean: Tensor) {
    switch norm {
    case .linf:
      images.ascend(alongSignsOf: gradient, by: Float(size), around: clean, radius: Float(epsilon), within: Self.box)
    case .l2, .l1:
      if norm == .l1 { gradient.ignoreWalls(around: images) }
      direct(&gradient)
      images.add(Float(size), times: gradient)
      project(&images, around: clean)
    }
  }

  /// How far each of `images` is from its clean one, in this norm; NaN when a pixel is.
  package func distances(of images: Tensor, from clean: Tensor) -> [Double] {
    switch norm {
    case .linf: images.largestDifferences(from: clean)
    case .l2: images.euclideanDistances(from: clean)
    case .l1: images.absoluteDifferences(from: clean)
    }
  }

  /// Points uniform in the ball around `clean`, each drawn from its own stream, brought into the box.
  package func uniformPoints(around clean: Tensor, from streams: inout [RandomStream]) -> Tensor {
    var points = scattered(clean, from: &streams)
    project(&points, around: clean)
    return points
  }

  /// The same without the box.
  ///
  /// L2: a normal direction with the radius ε·U^(1/d), d the number of pixels (uniform by volume). L1: exponential lengths with random
  /// signs, over the sum of d + 1 of them, which is uniform by volume too.
  package func scattered(_ clean: Tensor, from streams: inout [RandomStream]) -> Tensor {
    var points = clean
    let stride = clean.stride
    let radius = Float(epsilon)
    for row in 0..<clean.batch {
      let pixels = row * stride..<(row + 1) * stride
      switch norm {
      case .linf:
        for (index, shift) in zip(pixels, streams[row].uniforms(-radius, radius, count: stride)) { points.values[index] += shift }
      case .l2:
        let direction = pixels.map { _ in streams[row].normal() }
        let length = direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let scale = length > 0 ? epsilon * pow(Double(streams[row].uniform()), 1 / Double(stride)) / length : 0
        for (index, value) in zip(pixels, direction) { points.values[index] += Float(scale * Double(value)) }
      case .l1:
        let lengths = (0...stride).map { _ in -log(1 - Double(streams[row].uniform())) }
        let scale = epsilon / max(lengths.reduce(0, +), .leastNormalMagnitude)
        for (index, length) in zip(pixels, lengths) { points.values[index] += Float(scale * length) * streams[row].sign() }
      }
    }
    return points
  }
}

extension Tensor {
  /// Sets this gradient to 0 where the box stops its step: in L1 a step goes into few pixels, and is lost in one that cannot move.
  fileprivate mutating func ignoreWalls(around images: Tensor) {
    for index in values.indices {
      let pixel = images.values[index]
      if values[index] > 0 ? pixel >= Threat.box.upperBound : pixel <= Threat.box.lowerBound { values[index] = 0 }
    }
  }
}
