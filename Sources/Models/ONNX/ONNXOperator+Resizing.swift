import JSON
import TensorEngine

extension ONNXOperator {
  /// Operators that bring an image to another size.
  static let resizing: [ONNXOperator] = [
    ONNXOperator("Resize", changes: "11: four inputs; 13, 18, 19: further attributes") { translation, node in
      try translation.bind(node, translation.resize(translation.image(node), ONNXResizing(node, translation)))
    },
    ONNXOperator("Upsample", changes: "9: the scales are an input; 10: Resize is in its place") { translation, node in
      try translation.bind(node, translation.resize(translation.image(node), ONNXResizing(node, translation)))
    },
  ]
}

/// How an image is resized.
private struct ONNXResizing {
  enum Mode { case nearest, linear }

  let mode: Mode
  /// Rows and columns of the result for each one of the image.
  let scales: [Double]
  /// Rows and columns of the result.
  let size: [Int]
  private let grid, rounding: String

  /// - Throws: for what is not supported, by name.
  init(_ node: ONNXNode, _ translation: ONNXTranslation) throws {
    let name = node.text("mode", "nearest")
    guard let mode = ["nearest": Mode.nearest, "linear": .linear, "bilinear": .linear][name] else {
      throw ONNXFault("has the mode \(name.prefix(40)), and nearest and linear are supported")
    }
    guard !node.has("axes"), ["", "stretch"].contains(node.text("keep_aspect_ratio_policy")) else {
      throw ONNXFault("names axes or keeps the ratio of the sides, which is not supported")
    }
    self.mode = mode
    let image = try translation.image(of: node)
    let isOld = translation.file.opset < 11
    grid = isOld ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel")
    rounding = isOld ? "floor" : node.text("nearest_mode", "round_prefer_floor")
    guard ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].contains(grid) else {
      throw ONNXFault("places pixels by \(grid.prefix(40)), which is not supported")
    }
    let given = try node.numbers("scales") ?? translation.constant(node, isOld ? 1 : 2)?.floats ?? []
    if given.isEmpty {
      guard let sizes = try translation.constant(node, 3)?.integers(), sizes.count == 4, sizes[1] == image.dims[0] else {
        throw ONNXFault("lacks scales and sizes, or resizes the channels")
      }
      size = Array(sizes[2...])
      scales = zip(size, image.dims.dropFirst()).map { Double($0) / Double($1) }
    } else {
      guard given.count == 4, given[0] == 1, given[1] == 1, given.allSatisfy({ $0.isFinite && $0 > 0 && $0 <= 65_536 }) else {
        throw ONNXFault("resizes by \(given.prefix(8)): the batch and the channels stay, and images get larger or smaller")
      }
      scales = given[2...].map(Double.init)
      size = zip(scales, image.dims.dropFirst()).map { Int((Float($0) * Float($1)).rounded(.down)) }
    }
    guard size.allSatisfy({ (1...65_536).contains($0) }) else { throw ONNXFault("resizes to \(size)") }
    if mode == .linear { try checkLinear(node, image) }
  }

  private func checkLinear(_ node: ONNXNode, _ image: ONNXValue) throws {
    let extents = Array(image.dims.dropFirst())
    guard node.integer("antialias") == 0 || zip(size, extents).allSatisfy({ $0 >= $1 }) else {
      throw ONNXFault("makes images smaller with antialiasing, which is not supported")
    }
    guard zip(scales, zip(size, extents)).allSatisfy({ abs($0 * Double($1.1) - Double($1.0)) < 1e-3 }) else {
      throw ONNXFault("resizes \(extents) by \(scales) to \(size), and linear is supported where the scales give whole pixels")
    }
  }

  /// The pixels of the image that those of the result are, along one of both dimensions, where the mode is nearest.
  func places(_ dimension: Int, of extent: Int) -> [Int] {
    (0..<size[dimension]).map { place in
      let nearest =
        switch (position(place, dimension, of: extent), rounding) {
        case (let position, "floor"): position.rounded(.down)
        case (let position, "ceil"): position.rounded(.up)
        case (let position, "round_prefer_ceil"): (position + 0.5).rounded(.down)
        case (let position, _): (position - 0.5).rounded(.up)
        }
      return Int(min(max(nearest, 0), Double(extent - 1)))
    }
  }

  private func position(_ place: Int, _ dimension: Int, of extent: Int) -> Double {
    let (count, place, scale) = (size[dimension], Double(place), scales[dimension])
    switch grid {
    case "align_corners": return count == 1 ? 0 : place * Double(extent - 1) / Double(count - 1)
    case "asymmetric": return place / scale
    case "pytorch_half_pixel" where count == 1: return 0
    default: return (place + 0.5) / scale - 0.5
    }
  }

  /// The grid of the operation here.
  func linearGrid() -> LinearResize.Grid {
    // A single pixel is that at place 0, which is what `align_corners` makes of it.
    let isSingle = grid == "pytorch_half_pixel" && size == [1, 1]
    return isSingle ? .alignCorners : LinearResize.Grid(rawValue: grid) ?? .halfPixel
  }
}

extension ONNXTranslation {
  /// The image that a node reads, as it is; where it stands.
  fileprivate func image(of node: ONNXNode) throws -> ONNXValue {
    var translation = self
    return try translation.image(node)
  }

  fileprivate mutating func resize(_ image: ONNXValue, _ resizing: ONNXResizing) throws -> ONNXValue {
    if resizing.mode == .linear {
      let numbers = [("height", resizing.size[0]), ("width", resizing.size[1])]
      var fields = numbers.reduce(into: JSONObject()) { $0[$1.0] = .int(Int64($1.1)) }
      fields["grid"] = .string(resizing.linearGrid().rawValue)
      return try add("resize", [image], fields, dims: [image.dims[0]] + resizing.size)
    }
    let places = (0..<2).map { resizing.places($0, of: image.dims[$0 + 1]) }
    if let factors = Self.factors(places, image) { return try enlarge(image, factors) }
    return try take(places[1], of: take(places[0], of: image, 1), 2)
  }

  /// How often each row and each column is repeated; nil where not all are equally often.
  private static func factors(_ places: [[Int]], _ image: ONNXValue) -> [Int]? {
    let factors = zip(places, image.dims.dropFirst()).map { $0.count / $1 }
    let isWhole = zip(places, factors).allSatisfy { places, factor in
      factor > 0 && places.indices.allSatisfy { places[$0] == $0 / factor }
    }
    return isWhole ? factors : nil
  }

  /// Each pixel several times.
  private mutating func enlarge(_ image: ONNXValue, _ factors: [Int]) throws -> ONNXValue {
    let shape = image.shape
    let apart = [shape[0], 1, shape[1], 1, shape[2]]
    let full = [shape[0], factors[0], shape[1], factors[1], shape[2]]
    let spread = try add("reshape", [image], ["shape": Self.list(apart)], dims: apart, isChannelsLast: false)
    let filled = try add("expand", [spread], ["shape": Self.list(full)], dims: full)
    let result = [shape[0] * factors[0], shape[1] * factors[1], shape[2]]
    return try add(
      "reshape", [filled], ["shape": Self.list(result)], dims: [shape[2], result[0], result[1]], isChannelsLast: true)
  }
}
