import TensorEngine

/// Square in L2 and L1: the perturbation's mass moves from one window to another, where it takes the form of two pyramids of opposite signs.
///
/// What is done in L1 is the authors' code for AutoAttack (Croce and Hein 2021, arXiv:2103.01208, appendix).
struct SquarePyramids: SquareMoves {
  private let height: Int
  private let width: Int
  private let channels: Int
  private let epsilon: Double
  private let measure: Measure
  private var pyramids: PyramidPair
  /// Keeps divisions by a norm of zero finite.
  private static let tiny = 1e-12

  init(_ shape: Shape, _ threat: Threat) {
    (height, width, channels) = (shape[0], shape[1], shape[2])
    epsilon = threat.epsilon
    measure = Measure(norm: threat.norm)
    pyramids = PyramidPair(side: 1, measure)
  }

  /// An odd side, at least 3, where the image has room for it.
  mutating func setShare(_ share: Double) {
    let whole = max(Int((share * Double(height * width)).squareRoot().rounded(.toNearestOrEven)), 3)
    let side = min(whole + (whole.isMultiple(of: 2) ? 1 : 0), height, width)
    if side != pyramids.side { pyramids = PyramidPair(side: side, measure) }
  }

  /// The image paved with pairs of pyramids, five by five in a square one.
  func start(_ image: UnsafeMutableBufferPointer<Float>, at clean: UnsafeBufferPointer<Float>, from stream: inout RandomStream) {
    let side = max(min(height, width) / 5, 1)
    let tile = PyramidPair(side: side, measure)
    let margins = (top: height % side / 2, left: width % side / 2)
    var delta = [Double](repeating: 0, count: image.count)
    for row in 0..<height / side {
      for column in 0..<width / side {
        let window = Window(top: margins.top + row * side, left: margins.left + column * side)
        let turned = stream.sign() > 0
        for channel in 0..<channels {
          let sign = Double(stream.sign())
          forEachPixel(of: window, side, channel) { delta[$0] = sign * tile.value(at: $1, turned: turned) }
        }
      }
    }
    set(image, to: delta, around: clean)
  }

  /// The ball's rest is spread over the whole image.
  var side: Int? { nil }

  func change(
    _ image: UnsafeMutableBufferPointer<Float>, around clean: UnsafeBufferPointer<Float>, from stream: inout RandomStream
  ) -> Place {
    let side = pyramids.side
    let receiver = window(side, from: &stream)
    let giver = window(side, from: &stream)
    var delta = image.indices.map { Double(image[$0]) - Double(clean[$0]) }
    // What the ball has left, spread over the channels.
    let rest = max(measure.mass(epsilon) - measure.mass(delta), 0) / Double(channels)
    let turned = stream.sign() > 0
    for channel in 0..<channels {
      let sign = Double(stream.sign())
      var (own, others) = (0.0, 0.0)
      forEachPixel(of: receiver, side, channel) { index, _ in own += measure.mass(delta[index]) }
      forEachPixel(of: giver, side, channel) { index, position in
        if !receiver.contains(giver, position, side) { others += measure.mass(delta[index]) }
      }
      let present = measure.length(own) + Self.tiny
      var form = [Double](repeating: 0, count: side * side)
      forEachPixel(of: receiver, side, channel) { form[$1] = sign * pyramids.value(at: $1, turned: turned) + delta[$0] / present }
      let length = measure.length(measure.mass(form)) + Self.tiny
      // In L1 the projection takes back what is too much.
      let scale = measure.length(rest + own + others) * (measure.norm == .l1 ? Double(channels) : 1) / length
      forEachPixel(of: giver, side, channel) { index, _ in delta[index] = 0 }
      forEachPixel(of: receiver, side, channel) { delta[$0] = scale * form[$1] }
    }
    set(image, to: delta, around: clean)
    return Place(row: receiver.top, column: receiver.left)
  }

  /// The perturbation in ball and box: in L2 at the ball's edge, cut by the box; in L1 projected onto both.
  private func set(_ image: UnsafeMutableBufferPointer<Float>, to delta: [Double], around clean: UnsafeBufferPointer<Float>) {
    if measure.norm == .l1 { return L1Projection(radius: epsilon, within: Threat.box).set(image, to: delta, around: clean) }
    let scale = epsilon / (delta.reduce(0) { $0 + $1 * $1 }.squareRoot() + Self.tiny)
    for index in image.indices {
      image[index] = min(max(clean[index] + Float(scale * delta[index]), Threat.box.lowerBound), Threat.box.upperBound)
    }
  }

  // MARK: Windows

  private struct Window {
    var top: Int
    var left: Int

    /// Whether the pixel at `position` of another window of this side lies in this one.
    func contains(_ other: Window, _ position: Int, _ side: Int) -> Bool {
      let row = other.top + position / side - top
      let column = other.left + position % side - left
      return row >= 0 && row < side && column >= 0 && column < side
    }
  }

  private func window(_ side: Int, from stream: inout RandomStream) -> Window {
    let top = stream.index(below: height - side + 1)
    return Window(top: top, left: stream.index(below: width - side + 1))
  }

  /// Calls `body` with the place of each pixel in the image, and in the window.
  private func forEachPixel(of window: Window, _ side: Int, _ channel: Int, _ body: (Int, Int) -> Void) {
    for row in 0..<side {
      for column in 0..<side {
        body(((window.top + row) * width + window.left + column) * channels + channel, row * side + column)
      }
    }
  }
}

/// How L2 and L1 add up: a value's part in the sum over the pixels, and the length that a sum means.
private struct Measure {
  let norm: Norm

  func mass(_ value: Double) -> Double { norm == .l1 ? abs(value) : value * value }
  func mass(_ values: [Double]) -> Double { values.reduce(0) { $0 + mass($1) } }
  func length(_ mass: Double) -> Double { norm == .l1 ? mass : mass.squareRoot() }

  /// The values scaled to length 1.
  func normalised(_ values: [Double]) -> [Double] {
    let length = length(mass(values))
    return values.map { $0 / length }
  }

  /// What a pyramid's k-th layer adds to those inside it: 1/k² in L2, 1/k⁴ in L1.
  func height(ofLayer layer: Int) -> Double {
    let square = Double(layer * layer)
    return 1 / (norm == .l1 ? square * square : square)
  }
}

/// Two pyramids of opposite signs, one above the other in a square, of norm 1 together.
private struct PyramidPair {
  let side: Int
  private let values: [Double]

  init(side: Int, _ measure: Measure) {
    self.side = side
    let upper = Self.pyramid(side / 2, side, measure)
    let lower = Self.pyramid(side - side / 2, side, measure)
    values = measure.normalised(upper + lower.map { -$0 })
  }

  /// - Parameter turned: one beside the other instead.
  func value(at position: Int, turned: Bool) -> Double {
    turned ? values[position % side * side + position / side] : values[position]
  }

  /// Rectangles around the middle, one on the other, of norm 1; `[height, width]`.
  private static func pyramid(_ height: Int, _ width: Int, _ measure: Measure) -> [Double] {
    let (middle, centre) = (height / 2, width / 2)
    let layers = max(middle, centre) + 1
    var values = [Double](repeating: 0, count: height * width)
    for index in values.indices {
      let first = max(abs(index / width - middle), abs(index % width - centre))
      for layer in first..<layers { values[index] += measure.height(ofLayer: layer + 1) }
    }
    return measure.normalised(values)
  }
}
