import JSON
import TensorEngine

extension ONNXOperator {
  /// Maxima and means over windows and dimensions.
  static let pooling: [ONNXOperator] = [
    ONNXOperator("MaxPool", changes: "8: a second output, which is not read here; 10: dilations, ceil_mode") { translation, node in
      let image = try translation.image(node)
      let window = try ONNXWindow(node)
      guard window.dilation == [1, 1] else {
        throw ONNXFault("has dilations of \(window.dilation), which are supported in convolutions only")
      }
      let borders = try window.borders(Array(image.dims[1...]))
      let fits = borders.isSymmetric && zip(borders.before, window.size).allSatisfy { 2 * $0 <= $1 }
      // A border lower than every value is never a maximum.
      let padded = fits ? image : try translation.pad(image, borders, with: -.greatestFiniteMagnitude)
      let fields = window.fields(padding: fits ? borders.before : [0, 0])
      try translation.bind(node, translation.add("max_pool", [padded], fields, dims: [image.dims[0]] + borders.output(window)))
    },
    ONNXOperator("AveragePool", changes: "7: count_include_pad; 10: ceil_mode; 19: dilations") { translation, node in
      let image = try translation.image(node)
      let window = try ONNXWindow(node)
      guard window.dilation == [1, 1] else {
        throw ONNXFault("has dilations of \(window.dilation), which are supported in convolutions only")
      }
      let borders = try window.borders(Array(image.dims[1...]))
      let dims = [image.dims[0]] + borders.output(window)
      let padded = borders.isEmpty ? image : try translation.pad(image, borders, with: 0)
      let mean = try translation.add("avg_pool", [padded], window.fields(padding: [0, 0]), dims: dims)
      let factors = window.factors(of: borders, countsPadding: node.integer("count_include_pad") != 0)
      guard factors.contains(where: { $0 != 1 }) else { return try translation.bind(node, mean) }
      // The mean over the pixels of the image alone.
      let array = ONNXArray([1] + dims[1...], .floats(factors))
      let map = try translation.weight(array, array.dims, of: node, like: mean, isTrained: false)
      try translation.bind(node, translation.add("multiply", [mean, map], dims: dims))
    },
    ONNXOperator("GlobalAveragePool") { translation, node in
      try translation.bind(node, translation.globalAverage(translation.image(node), keepsDimensions: true))
    },
    ONNXOperator("GlobalMaxPool") { translation, node in
      let image = try translation.image(node)
      let size = ONNXTranslation.list(Array(image.dims[1...]))
      try translation.bind(
        node, translation.add("max_pool", [image], ["size": size, "stride": size, "padding": 0], dims: [image.dims[0], 1, 1]))
    },
    ONNXOperator("ReduceMean", changes: "18: the axes are an input") { translation, node in
      try translation.bind(node, translation.mean(node))
    },
    ONNXOperator("ReduceSum", changes: "13: the axes are an input") { translation, node in
      let value = try translation.value(node)
      let mean = try translation.mean(node)
      let factor = Double(value.count) / Double(max(mean.count, 1))
      try translation.bind(node, translation.add("scale", [mean], ["factor": .number(factor)]))
    },
  ]
}

extension ONNXWindow {
  func fields(padding: [Int]) -> JSONObject { ["size": extent(size), "stride": extent(stride), "padding": extent(padding)] }

  /// What the mean over a whole window is multiplied by to be that over the pixels that count, for each place of the window.
  func factors(of borders: Borders, countsPadding: Bool) -> [Float] {
    func counts(_ direction: Int) -> [Int] {
      let padding = countsPadding ? 0 : 1
      let first = borders.before[direction] * padding
      let last = borders.image[direction] - borders.excess[direction] - borders.after[direction] * padding
      return (0..<borders.output(self)[direction]).map { place in
        let start = place * stride[direction]
        return max(min(start + size[direction], last) - max(start, first), 1)
      }
    }
    let whole = Float(size[0] * size[1])
    let columns = counts(1)
    return counts(0).flatMap { rows in columns.map { whole / Float(rows * $0) } }
  }
}

extension ONNXTranslation {
  mutating func globalAverage(_ image: ONNXValue, keepsDimensions: Bool) throws -> ONNXValue {
    let channels = image.dims[0]
    let mean = try add("global_avg_pool", [image], dims: [channels], isChannelsLast: false)
    guard keepsDimensions else { return mean }
    return try add("reshape", [mean], ["shape": Self.list([1, 1, channels])], dims: [channels, 1, 1], isChannelsLast: true)
  }

  /// The mean over the axes of a reduction.
  mutating func mean(_ node: ONNXNode) throws -> ONNXValue {
    let value = try value(node)
    let keepsDimensions = node.integer("keepdims", 1) != 0
    guard let axes = try integers(node, "axes", input: 1), !axes.isEmpty else {
      throw ONNXFault("reduces over the batch too: give it the axes")
    }
    let dimensions = try axes.map { axis throws(ONNXFault) in try value.dimension(axis) }.sorted()
    guard Set(dimensions).count == dimensions.count else { throw ONNXFault("has axes \(axes)") }
    if value.dims.count == 3, dimensions == [1, 2], value.batchAxis == 0, !value.isMerged {
      return try globalAverage(channelsLast(value), keepsDimensions: keepsDimensions)
    }
    let source = keepsDimensions ? value : try plain(value)
    let kept = source.dims.indices.map { dimensions.contains($0) ? 1 : source.dims[$0] }
    let mean = try add("mean", [source], ["axes": Self.list(dimensions.map(source.axis).sorted())], dims: kept)
    if keepsDimensions { return mean }
    guard mean.batchAxis == 0, !mean.isMerged else { throw ONNXFault("reduces a value whose batch is not its first dimension") }
    return try reshape(mean, to: kept.indices.filter { !dimensions.contains($0) }.map { kept[$0] })
  }
}
