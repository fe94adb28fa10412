import JSON

/// The window of a convolution or a pooling, from the attributes of its node: height and width of each.
struct ONNXWindow {
  let size, stride, dilation: [Int]
  private let pads: [Int]
  private let automatic: String
  private let isCeiling: Bool

  /// Pixels added at each side.
  struct Borders {
    var before, after: [Int]
    /// Pixels after the image that the last window reaches over because the output's size was rounded up.
    var excess = [0, 0]
    /// Height and width with all of it.
    let image: [Int]

    var isSymmetric: Bool { before == after && excess == [0, 0] }
    var isEmpty: Bool { (before + after + excess).allSatisfy { $0 == 0 } }

    func output(_ window: ONNXWindow) -> [Int] {
      (0..<2).map { (image[$0] - window.reach[$0]) / window.stride[$0] + 1 }
    }
  }

  /// - Parameter size: of the weights; by default the attribute `kernel_shape`.
  init(_ node: ONNXNode, size: [Int]? = nil) throws(ONNXFault) {
    let size = size ?? node.integers("kernel_shape") ?? []
    let (stride, dilation) = (node.integers("strides") ?? [1, 1], node.integers("dilations") ?? [1, 1])
    let pads = node.integers("pads") ?? [0, 0, 0, 0]
    guard size.count == 2, stride.count == 2, dilation.count == 2, pads.count == 4,
      (size + stride + dilation).allSatisfy({ (1...1_024).contains($0) }),
      pads.allSatisfy({ (0...1_024).contains($0) })
    else {
      throw ONNXFault(
        "has a window of \(size), strides of \(stride), dilations of \(dilation) and pads of \(pads): two directions are supported, each up to 1024"
      )
    }
    self.size = size
    self.stride = stride
    self.dilation = dilation
    self.pads = pads
    automatic = node.text("auto_pad", "NOTSET")
    isCeiling = node.integer("ceil_mode") != 0
  }

  /// The pixels that the window reaches over.
  var reach: [Int] { (0..<2).map { (size[$0] - 1) * dilation[$0] + 1 } }

  /// - Parameter pixels: the image's height and width.
  func borders(_ pixels: [Int]) throws(ONNXFault) -> Borders {
    var (before, after) = (Array(pads[..<2]), Array(pads[2...]))
    for direction in 0..<2 where automatic == "SAME_UPPER" || automatic == "SAME_LOWER" {
      let places = (pixels[direction] + stride[direction] - 1) / stride[direction]
      let whole = max((places - 1) * stride[direction] + reach[direction] - pixels[direction], 0)
      (before[direction], after[direction]) = (whole / 2, whole - whole / 2)
      if automatic == "SAME_LOWER" { (before[direction], after[direction]) = (after[direction], before[direction]) }
    }
    if automatic == "VALID" { (before, after) = ([0, 0], [0, 0]) }
    var excess = [0, 0]
    for direction in 0..<2 {
      let span = pixels[direction] + before[direction] + after[direction] - reach[direction]
      guard span >= 0 else { throw ONNXFault("has a window of \(reach) for an image of \(pixels)") }
      guard isCeiling else { continue }
      var steps = (span + stride[direction] - 1) / stride[direction]
      // A window that would begin beyond the image is left out.
      if steps * stride[direction] >= pixels[direction] + before[direction] { steps -= 1 }
      excess[direction] = max(steps * stride[direction] - span, 0)
    }
    let image = (0..<2).map { pixels[$0] + before[$0] + after[$0] + excess[$0] }
    return Borders(before: before, after: after, excess: excess, image: image)
  }

  func extent(_ both: [Int]) -> JSONValue { both[0] == both[1] ? .int(Int64(both[0])) : ONNXTranslation.list(both) }
}
