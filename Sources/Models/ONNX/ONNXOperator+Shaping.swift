import JSON
import TensorEngine

extension ONNXOperator {
  /// Operators that move, repeat or leave out elements.
  static let shaping: [ONNXOperator] = [
    ONNXOperator("Flatten") { translation, node in
      let value = try translation.value(node)
      let axis = node.integer("axis", 1)
      guard (axis < 0 ? axis + value.rank : axis) == 1, value.batchAxis == 0, !value.isMerged else {
        throw ONNXFault("keeps more or less than the batch apart (axis \(axis))")
      }
      try translation.bind(node, translation.reshape(value, to: [value.count]))
    },
    ONNXOperator("Reshape", changes: "14: allowzero") { translation, node in
      let target = try translation.requiredConstant(node, 1).integers()
      try translation.bind(node, translation.reshape(translation.value(node), toFull: target, keepsZeros: node.integer("allowzero") != 0))
    },
    ONNXOperator("Transpose") { translation, node in
      let value = try translation.value(node)
      try translation.bind(node, translation.transpose(value, node.integers("perm") ?? (0..<value.rank).reversed()))
    },
    ONNXOperator("Squeeze", changes: "13: the axes are an input") { translation, node in
      let value = try translation.value(node)
      let full = value.fullShape(batch: translation.batch)
      let axes = try translation.integers(node, "axes", input: 1) ?? full.indices.filter { full[$0] == 1 && $0 != value.batchAxis }
      let dimensions = try axes.map { axis throws(ONNXFault) in try value.dimension(axis) }
      guard dimensions.allSatisfy({ value.dims[$0] == 1 }) else { throw ONNXFault("leaves out dimensions of \(full) that are not 1") }
      let places = Set(axes.map { $0 < 0 ? $0 + value.rank : $0 })
      var result = try translation.reshape(value, to: value.dims.indices.filter { !dimensions.contains($0) }.map { value.dims[$0] })
      result.batchAxis = value.batchAxis - places.count { $0 < value.batchAxis }
      try translation.bind(node, result)
    },
    ONNXOperator("Unsqueeze", changes: "13: the axes are an input") { translation, node in
      let value = try translation.value(node)
      guard let axes = try translation.integers(node, "axes", input: 1), !value.isMerged else { throw ONNXFault("lacks its axes") }
      let rank = value.rank + axes.count
      let places = Set(axes.map { $0 < 0 ? $0 + rank : $0 })
      guard places.count == axes.count, places.allSatisfy({ (0..<rank).contains($0) }), rank <= 9 else {
        throw ONNXFault("has axes \(axes)")
      }
      var rest = value.fullShape(batch: translation.batch).indices.makeIterator()
      // For each new dimension, the old one that it is.
      let old = (0..<rank).map { places.contains($0) ? nil : rest.next() }
      let batchAxis = old.firstIndex(of: value.batchAxis) ?? 0
      let full = value.fullShape(batch: translation.batch)
      var dims = old.map { $0.map { full[$0] } ?? 1 }
      dims.remove(at: batchAxis)
      var result = try translation.reshape(value, to: dims)
      result.batchAxis = batchAxis
      try translation.bind(node, result)
    },
    ONNXOperator("Concat") { translation, node in try translation.concatenate(node) },
    ONNXOperator("Split", changes: "13: the sizes are an input; 18: num_outputs") { translation, node in
      let value = try translation.value(node)
      let dimension = try value.dimension(node.integer("axis"))
      let extent = value.dims[dimension]
      let parts = max(node.outputs.count, 1)
      let each = (extent + parts - 1) / parts
      let sizes = try translation.integers(node, "split", input: 1) ?? (0..<parts).map { min(each, extent - $0 * each) }
      guard sizes.count == parts, sizes.allSatisfy({ $0 > 0 && $0 <= extent }), sizes.reduce(0, +) == extent else {
        throw ONNXFault("cuts \(extent) into \(sizes)")
      }
      var start = 0
      for (output, size) in sizes.enumerated() {
        try translation.bind(node, translation.slice(value, dimension, start: start, count: size), output: output)
        start += size
      }
    },
    ONNXOperator("Slice", changes: "10: all but the data are inputs, and there are steps") { translation, node in
      var value = try translation.value(node)
      guard let starts = try translation.integers(node, "starts", input: 1), let ends = try translation.integers(node, "ends", input: 2),
        starts.count == ends.count
      else { throw ONNXFault("lacks its starts and ends") }
      let axes = try translation.integers(node, "axes", input: 3) ?? Array(starts.indices)
      let steps = try translation.integers(node, "steps", input: 4) ?? starts.map { _ in 1 }
      guard axes.count == starts.count, steps.count == starts.count else {
        throw ONNXFault("has \(axes.count) axes for \(starts.count) starts")
      }
      for (axis, (start, (end, step))) in zip(axes, zip(starts, zip(ends, steps))) {
        let dimension = try value.dimension(axis)
        let range = try ONNXRange(start, end, step, of: value.dims[dimension])
        value = try translation.slice(value, dimension, start: range.start, count: range.count, step: range.step)
      }
      try translation.bind(node, value)
    },
    ONNXOperator("Gather") { translation, node in
      let value = try translation.value(node)
      let indices = try translation.requiredConstant(node, 1)
      try translation.bind(node, translation.gather(value, indices, axis: node.integer("axis")))
    },
    ONNXOperator("Expand") { translation, node in
      let value = try translation.value(node)
      let given = try translation.requiredConstant(node, 1).integers()
      var target = [Int](repeating: 1, count: max(value.rank - given.count, 0)) + given
      guard target.count == value.rank, !value.isMerged, [1, translation.batch].contains(target[value.batchAxis]) else {
        throw ONNXFault("repeats \(value.fullShape(batch: translation.batch)) to \(given)")
      }
      target.remove(at: value.batchAxis)
      let dims = zip(value.dims, target).map { $1 == 1 ? $0 : $1 }
      try translation.bind(node, translation.expand(value, to: dims))
    },
    ONNXOperator("Tile") { translation, node in
      let value = try translation.plain(translation.value(node))
      var repeats = try translation.requiredConstant(node, 1).integers()
      guard repeats.count == value.rank, !value.isMerged, repeats.allSatisfy({ (1...65_536).contains($0) }), repeats[value.batchAxis] == 1
      else {
        throw ONNXFault("repeats \(value.fullShape(batch: translation.batch)) by \(repeats)")
      }
      repeats.remove(at: value.batchAxis)
      try translation.bind(node, translation.repeated(value, outer: repeats, inner: repeats.map { _ in 1 }))
    },
    ONNXOperator("Pad", changes: "11: pads and value are inputs; 18: axes; 19: the mode wrap") { translation, node in
      let value = try translation.value(node)
      let mode = node.text("mode", "constant")
      guard let pads = try translation.integers(node, "pads", input: 1) else { throw ONNXFault("lacks its pads") }
      let border = try translation.constant(node, 2)?.scalar() ?? node.number("value", 0)
      let axes = try translation.constant(node, 3)?.integers() ?? Array(0..<value.rank)
      guard pads.count == 2 * axes.count, pads.allSatisfy({ (0...65_536).contains($0) }) else { throw ONNXFault("has pads of \(pads)") }
      var (before, after) = ([Int](repeating: 0, count: value.dims.count), [Int](repeating: 0, count: value.dims.count))
      for (index, axis) in axes.enumerated() where pads[index] != 0 || pads[index + axes.count] != 0 {
        let dimension = try value.dimension(axis)
        (before[dimension], after[dimension]) = (pads[index], pads[index + axes.count])
      }
      guard mode == "constant" else { return try translation.bind(node, translation.pad(value, before, after, mode: mode)) }
      let fields: JSONObject = [
        "before": ONNXTranslation.list(value.order.map { before[$0] }), "after": ONNXTranslation.list(value.order.map { after[$0] }),
        "value": .number(Double(border)),
      ]
      let dims = value.dims.indices.map { before[$0] + value.dims[$0] + after[$0] }
      try translation.bind(node, translation.add("pad", [value], fields, dims: dims))
    },
  ]
}

/// Which element of a dimension stands at a place of the border around it.
private enum ONNXBorder: String {
  /// Mirrored at the middle of the outermost element, which is not repeated.
  case reflect
  case edge, wrap

  func place(_ place: Int, _ extent: Int) -> Int {
    func modulo(_ period: Int) -> Int { (place % period + period) % period }
    switch self {
    case .edge: return min(max(place, 0), extent - 1)
    case .wrap: return modulo(extent)
    case .reflect:
      guard extent > 1 else { return 0 }
      let within = modulo(2 * (extent - 1))
      return min(within, 2 * (extent - 1) - within)
    }
  }
}

/// Places of which each is a step from the one before.
private struct ONNXRun {
  let start: Int
  var count = 1
  /// 0 where one place stands several times.
  var step = 1

  /// The fewest that come of taking each as long as it goes.
  static func all(_ places: [Int]) -> [ONNXRun] {
    var runs: [ONNXRun] = []
    for place in places {
      if let last = runs.last, last.count == 1 || place == last.start + last.count * last.step {
        if last.count == 1 { runs[runs.count - 1].step = place - last.start }
        runs[runs.count - 1].count += 1
      } else {
        runs.append(ONNXRun(start: place))
      }
    }
    return runs
  }
}

/// A slice along a dimension, within it.
struct ONNXRange {
  let start, count: Int
  /// From one to the next; 1 where there is no next.
  let step: Int

  /// - Parameters:
  ///   - start: below 0 from the end; beyond the ends it is the end.
  ///   - end: the first that is left out.
  init(_ start: Int, _ end: Int, _ step: Int, of extent: Int) throws(ONNXFault) {
    guard step != 0, abs(max(step, -Int.max)) <= 1 << 40 else { throw ONNXFault("has a step of \(step)") }
    func within(_ place: Int, _ range: ClosedRange<Int>) -> Int {
      let counted = place < 0 ? max(place, -(1 << 40)) + extent : min(place, 1 << 40)
      return min(max(counted, range.lowerBound), range.upperBound)
    }
    let first = step > 0 ? within(start, 0...extent) : within(start, -1...max(extent - 1, -1))
    let last = step > 0 ? within(end, 0...extent) : within(end, -1...max(extent - 1, -1))
    self.start = first
    let places = max(0, step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step)
    count = places
    self.step = places > 1 ? step : 1
  }
}

extension ONNXTranslation {
  /// A value under a shape that may have 0 for a dimension that stays, and -1 for one that follows from the others.
  mutating func reshape(_ value: ONNXValue, toFull target: [Int], keepsZeros: Bool) throws -> ONNXValue {
    let full = value.fullShape(batch: batch)
    guard value.batchAxis == 0, !target.isEmpty else { throw ONNXFault("gives \(full) the shape \(target)") }
    var shape = target.enumerated().map { index, extent in extent == 0 && !keepsZeros && index < full.count ? full[index] : extent }
    let total = try ONNXArray.count(full, atMost: .max)
    if let open = shape.firstIndex(of: -1) {
      shape[open] = 1
      let rest = try ONNXArray.count(shape, atMost: .max)
      guard rest > 0, total % rest == 0 else { throw ONNXFault("gives \(full) the shape \(target)") }
      shape[open] = total / rest
    }
    guard try ONNXArray.count(shape, atMost: .max) == total, shape[0] % batch == 0, batch > 0 else {
      throw ONNXFault("gives \(full) the shape \(target), in which an image is not by itself")
    }
    let merged = shape[0] / batch
    let rest = Array(shape.dropFirst())
    // Where only dimensions after the channels are put together or apart, nothing has to move.
    if merged == 1, !value.isMerged, value.isChannelsLast, rest.count > 1, rest[0] == value.dims[0] {
      return try add("reshape", [value], ["shape": Self.list(Array(rest.dropFirst()) + [rest[0]])], dims: rest)
    }
    var result = try reshape(value, to: merged == 1 ? rest : [merged] + rest)
    result.isMerged = merged != 1
    return result
  }

  mutating func transpose(_ value: ONNXValue, _ order: [Int]) throws -> ONNXValue {
    guard order.sorted() == Array(0..<value.rank), !value.isMerged || order[0] == 0 else {
      throw ONNXFault("turns \(value.fullShape(batch: batch)) by \(order)")
    }
    // The dimensions of the result by their places in the value, without the batch.
    let dimensions = value.isMerged ? order : order.filter { $0 != value.batchAxis }.map { $0 < value.batchAxis ? $0 : $0 - 1 }
    let batchAxis = value.isMerged ? 0 : order.firstIndex(of: value.batchAxis) ?? 0
    let dims = dimensions.map { value.dims[$0] }
    if dimensions == value.order { return value.read(dims, batchAxis: batchAxis, isMerged: value.isMerged) }
    if dims.count > 1, Array(dimensions.dropFirst()) + [dimensions[0]] == value.order {
      return value.read(dims, batchAxis: batchAxis, isMerged: value.isMerged, isChannelsLast: true)
    }
    let source = try plain(value)
    var result = try add("permute", [source], ["order": Self.list(dimensions)], dims: dims)
    result.batchAxis = batchAxis
    return result
  }

  mutating func slice(_ value: ONNXValue, _ dimension: Int, start: Int, count: Int, step: Int = 1) throws -> ONNXValue {
    if start == 0, count == value.dims[dimension], step == 1 { return value }
    guard count > 0 else { throw ONNXFault("leaves nothing of \(value.fullShape(batch: batch))") }
    var dims = value.dims
    dims[dimension] = count
    let numbers: [(String, Int)] = [("axis", value.axis(of: dimension)), ("start", start), ("count", count), ("step", step)]
    return try add("slice", [value], numbers.reduce(into: JSONObject()) { $0[$1.0] = .int(Int64($1.1)) }, dims: dims)
  }

  mutating func expand(_ value: ONNXValue, to dims: [Int]) throws -> ONNXValue {
    if dims == value.dims { return value }
    return try add("expand", [value], ["shape": Self.list(value.order.map { dims[$0] })], dims: dims)
  }

  /// - Parameters:
  ///   - outer: how often the whole is repeated along each dimension.
  ///   - inner: how often each element is.
  mutating func repeated(_ value: ONNXValue, outer: [Int], inner: [Int]) throws -> ONNXValue {
    let source = try plain(value)
    let dims = source.dims
    let apart = dims.flatMap { [1, $0, 1] }
    let whole = dims.indices.flatMap { [outer[$0], dims[$0], inner[$0]] }
    let result = dims.indices.map { outer[$0] * dims[$0] * inner[$0] }
    let spread = try add("reshape", [source], ["shape": Self.list(apart)], dims: apart)
    let filled = try add("expand", [spread], ["shape": Self.list(whole)], dims: whole)
    return try add("reshape", [filled], ["shape": Self.list(result)], dims: result)
  }

  mutating func concatenate(_ node: ONNXNode) throws {
    guard let first = node.inputs.indices.first(where: { !isConstant(node, $0) }) else { throw ONNXFault("has no inputs") }
    let model = try value(node, first)
    let dimension = try model.dimension(node.integer("axis"))
    var parts: [ONNXValue] = []
    for index in node.inputs.indices {
      if isConstant(node, index) {
        let array = try requiredConstant(node, index)
        var dims = array.dims
        guard dims.count == model.rank, !model.isMerged, dims[model.batchAxis] == 1 else {
          throw ONNXFault("has a constant of \(array.dims) beside \(model.fullShape(batch: batch))")
        }
        dims.remove(at: model.batchAxis)
        parts.append(try weight(array, dims, of: node, like: model, isTrained: true))
      } else {
        parts.append(try value(node, index))
      }
    }
    guard parts.allSatisfy({ $0.batchAxis == model.batchAxis && $0.isMerged == model.isMerged && $0.dims.count == model.dims.count }) else {
      throw ONNXFault("puts values of different dimensions together")
    }
    for index in parts.indices { parts[index] = model.isChannelsLast ? try channelsLast(parts[index]) : try plain(parts[index]) }
    var dims = model.dims
    dims[dimension] = parts.reduce(0) { $0 + $1.dims[dimension] }
    var result = try add("concat", parts, ["axis": .int(Int64(model.axis(of: dimension)))], dims: dims)
    result.batchAxis = model.batchAxis
    try bind(node, result)
  }

  /// The elements at these places of a dimension, as a few slices of it one after the other.
  mutating func take(_ places: [Int], of value: ONNXValue, _ dimension: Int) throws -> ONNXValue {
    let runs = ONNXRun.all(places)
    guard runs.count <= 1_000 else { throw ONNXFault("takes \(places.count) places in no order") }
    var dims = value.dims
    let parts = try runs.map { run in
      dims[dimension] = run.count
      guard run.step == 0 else { return try slice(value, dimension, start: run.start, count: run.count, step: run.step) }
      return try expand(slice(value, dimension, start: run.start, count: 1), to: dims)
    }
    dims[dimension] = places.count
    return parts.count == 1 ? parts[0] : try add("concat", parts, ["axis": .int(Int64(value.axis(of: dimension)))], dims: dims)
  }

  /// A value with a border of its own elements.
  ///
  /// - Parameters:
  ///   - before: how many elements, for each dimension.
  ///   - after: the same at the end.
  mutating func pad(_ value: ONNXValue, _ before: [Int], _ after: [Int], mode: String) throws -> ONNXValue {
    guard let border = ONNXBorder(rawValue: mode) else {
      throw ONNXFault("has the mode \(mode.prefix(40)), and constant, reflect, edge and wrap are supported")
    }
    return try value.dims.indices.reduce(value) { result, dimension in
      let (extent, first) = (value.dims[dimension], before[dimension])
      guard first > 0 || after[dimension] > 0 else { return result }
      return try take((-first..<extent + after[dimension]).map { border.place($0, extent) }, of: result, dimension)
    }
  }

  mutating func gather(_ value: ONNXValue, _ indices: ONNXArray, axis: Int) throws -> ONNXValue {
    let given = try indices.integers()
    // PyTorch writes a view of all images in one row as places in that row.
    if value.isMerged, value.dims.count == 1, axis == 0, indices.dims.first == batch, given == Array(0..<batch * value.count) {
      var result = value.read(value.dims)
      result = try reshape(result, to: Array(indices.dims.dropFirst()))
      return result
    }
    let dimension = try value.dimension(axis)
    let extent = value.dims[dimension]
    let places = given.map { $0 < 0 ? $0 + extent : $0 }
    guard !places.isEmpty, places.allSatisfy({ (0..<extent).contains($0) }), indices.dims.count <= 1 else {
      throw ONNXFault("takes the places \(given.prefix(5)) of \(indices.dims) from a dimension of \(extent)")
    }
    var result = try take(places, of: value, dimension)
    guard indices.dims.isEmpty else { return result }
    let place = axis < 0 ? axis + value.rank : axis
    let batchAxis = value.batchAxis - (!value.isMerged && place < value.batchAxis ? 1 : 0)
    result = try reshape(result, to: result.dims.indices.filter { $0 != dimension }.map { result.dims[$0] })
    result.batchAxis = batchAxis
    return result
  }
}
