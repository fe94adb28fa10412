import JSON
import TensorEngine

extension ONNXOperator {
  /// Layers with weights, and products.
  static let layers: [ONNXOperator] = [
    ONNXOperator("Conv") { translation, node in
      let image = try translation.image(node)
      let (weight, bias) = (try translation.requiredConstant(node, 1), try translation.constant(node, 2))
      let groups = node.integer("group", 1)
      guard weight.dims.count == 4, groups > 0, weight.dims[1] * groups == image.dims[0], weight.dims[2] > 0, weight.dims[3] > 0 else {
        throw ONNXFault("has weights of \(weight.dims) in \(groups) groups for an image of \(image.dims)")
      }
      let window = try ONNXWindow(node, size: Array(weight.dims[2...]))
      let borders = try window.borders(Array(image.dims[1...]))
      let padded = borders.isSymmetric ? image : try translation.pad(image, borders, with: 0)
      let padding = borders.isSymmetric ? borders.before : [0, 0]
      let fields: JSONObject = [
        "filters": .int(Int64(weight.dims[0])), "kernel": window.extent(window.size), "stride": window.extent(window.stride),
        "padding": window.extent(padding), "dilation": window.extent(window.dilation), "groups": .int(Int64(groups)),
        "bias": .bool(bias != nil),
      ]
      var tensors = [("weight", weight, Shape(weight.dims))]
      if let bias { tensors.append(("bias", bias, [weight.dims[0]])) }
      // Exporters that fold batch norm into a convolution give its tensors other names than its module has.
      if let bias, let name = bias.origin, weight.origin?.hasSuffix(".weight") != true || !name.hasSuffix(".bias") {
        translation.noteFoldedBatchNorm()
      }
      let pixels = borders.output(window)
      try translation.bind(node, translation.add("conv", padded, fields, of: node, weights: tensors, dims: [weight.dims[0]] + pixels))
    },
    ONNXOperator("Gemm", changes: "11: the third input may be left out") { translation, node in
      let value = try translation.value(node)
      guard value.dims.count == 1, !value.isMerged, value.batchAxis == 0, node.integer("transA") == 0 else {
        throw ONNXFault("needs rows [batch, features], and its input is of the shape \(value.fullShape(batch: translation.batch))")
      }
      let given = try translation.requiredConstant(node, 1)
      guard given.dims.count == 2 else { throw ONNXFault("has weights of \(given.dims)") }
      let weight = (node.integer("transB") == 0 ? given.permuted([1, 0]) : given).times(node.number("alpha", 1))
      let bias = try translation.constant(node, 2)?.times(node.number("beta", 1)).repeated(to: weight.dims[0])
      try translation.bind(node, translation.linear(value, weight, bias, of: node))
    },
    ONNXOperator("MatMul") { translation, node in
      if translation.isConstant(node, 0) { throw ONNXFault("has a constant on its left side, which is not supported") }
      let left = try translation.value(node)
      if translation.isConstant(node, 1) {
        let weight = try translation.requiredConstant(node, 1)
        guard weight.dims.count == 2 else { throw ONNXFault("has weights of \(weight.dims), and only matrices are supported") }
        return try translation.bind(node, translation.linear(left, weight.permuted([1, 0]), nil, of: node))
      }
      let (one, two) = (try translation.plain(left), try translation.plain(translation.value(node, 1)))
      guard one.batchAxis == 0, two.batchAxis == 0, one.isMerged == two.isMerged, one.dims.count == two.dims.count, one.dims.count > 1
      else {
        throw ONNXFault("multiplies \(one.fullShape(batch: translation.batch)) and \(two.fullShape(batch: translation.batch))")
      }
      try translation.bind(node, translation.add("matmul", [one, two], dims: one.dims.dropLast() + two.dims.suffix(1)))
    },
    ONNXOperator("BatchNormalization", changes: "9: the attribute spatial is gone; 14: training_mode") { translation, node in
      guard node.integer("training_mode") == 0, node.integer("spatial", 1) == 1 else {
        throw ONNXFault("is in training mode, or not by channel: export the network in evaluation mode (model.eval())")
      }
      let value = try translation.value(node)
      guard !value.dims.isEmpty, value.batchAxis == 0, !value.isMerged else { throw ONNXFault("needs channels after the batch") }
      let last = try translation.channelsLast(value)
      let shape = Shape([last.dims[0]])
      let tensors = try ["weight", "bias", "running_mean", "running_var"].enumerated().map { index, name in
        (name, try translation.requiredConstant(node, index + 1), shape)
      }
      let fields: JSONObject = ["eps": .number(Double(node.number("epsilon", 1e-5)))]
      try translation.bind(node, translation.add("batch_norm", last, fields, of: node, weights: tensors))
    },
    ONNXOperator("LayerNormalization", changes: "17: new; before, it is a pattern of nodes") { translation, node in
      let value = try translation.plain(translation.value(node))
      guard !value.dims.isEmpty, try value.dimension(node.integer("axis", -1)) == value.dims.count - 1 else {
        throw ONNXFault("normalises over more than the last dimension, which is not supported")
      }
      let shape = Shape(value.dims.suffix(1))
      let weight = try translation.requiredConstant(node, 1)
      let bias = try translation.constant(node, 2) ?? ONNXArray(shape.dimensions, .floats([Float](repeating: 0, count: shape.count)))
      let fields: JSONObject = ["eps": .number(Double(node.number("epsilon", 1e-5)))]
      try translation.bind(
        node, translation.add("layer_norm", value, fields, of: node, weights: [("weight", weight, shape), ("bias", bias, shape)]))
    },
    ONNXOperator("Softmax", changes: "13: its axis is one dimension, by default the last; before, all from the axis on, by default 1") {
      translation, node in
      if translation.isLast(node) { return try translation.dropEnding(node) }
      let value = try translation.plain(translation.value(node))
      let axis = node.integer("axis", translation.file.opset < 13 ? 1 : -1)
      let dimension = try value.dimension(axis)
      let last = value.dims.count - 1
      if translation.file.opset < 13, dimension != last {
        let flat = Array(value.dims[..<dimension]) + [value.dims[dimension...].reduce(1, *)]
        let normalised = try translation.add("softmax", [translation.reshape(value, to: flat)])
        return try translation.bind(node, translation.reshape(normalised, to: value.dims))
      }
      guard dimension != last else { return try translation.bind(node, translation.add("softmax", [value])) }
      var order = Array(value.dims.indices)
      order.swapAt(dimension, last)
      let list = ONNXTranslation.list(order)
      let turned = try translation.add("permute", [value], ["order": list], dims: order.map { value.dims[$0] })
      let normalised = try translation.add("softmax", [turned])
      try translation.bind(node, translation.add("permute", [normalised], ["order": list], dims: value.dims))
    },
    ONNXOperator("LogSoftmax", changes: "13: as Softmax") { translation, node in
      guard translation.isLast(node) else { throw ONNXFault("stands within the network, and is supported at its end only") }
      try translation.dropEnding(node)
    },
  ]
}

extension ONNXTranslation {
  /// x Wᵀ + b over the last dimension.
  ///
  /// - Parameter weight: `[units, features]`
  mutating func linear(_ value: ONNXValue, _ weight: ONNXArray, _ bias: ONNXArray?, of node: ONNXNode) throws -> ONNXValue {
    let rows = try plain(value)
    guard let features = rows.dims.last, weight.dims[1] == features else {
      throw ONNXFault("has weights of \(weight.dims) for rows of \(rows.dims.last ?? 0) features")
    }
    let units = weight.dims[0]
    let fields: JSONObject = ["units": .int(Int64(units)), "bias": .bool(bias != nil)]
    var tensors = [("weight", weight, Shape(weight.dims))]
    if let bias { tensors.append(("bias", bias, [units])) }
    guard rows.dims.count > 2 else {
      return try add("linear", rows, fields, of: node, weights: tensors, dims: rows.dims.dropLast() + [units])
    }
    let count = rows.count / max(features, 1)
    var flat = try reshape(rows, to: [count, features])
    flat = try add("linear", flat, fields, of: node, weights: tensors, dims: [count, units])
    return try reshape(flat, to: rows.dims.dropLast() + [units])
  }

  /// Leaves out a softmax that ends the network: losses and attacks work on logits.
  mutating func dropEnding(_ node: ONNXNode) throws {
    let value = try value(node)
    guard value.dims.count == 1, value.batchAxis == 0 else { throw ONNXFault("ends the network over \(value.dims) for each image") }
    note("softmax_removed", "the network ends in \(node.title), which is left out: losses and attacks work on the logits before it")
    try bind(node, value)
  }

  /// An image with a border.
  mutating func pad(_ image: ONNXValue, _ borders: ONNXWindow.Borders, with value: Float) throws -> ONNXValue {
    let after = zip(borders.after, borders.excess).map { $0 + $1 }
    return try add(
      "pad", [image],
      ["before": Self.list(borders.before + [0]), "after": Self.list(after + [0]), "value": .number(Double(value))],
      dims: [image.dims[0]] + borders.image)
  }
}

extension ONNXArray {
  func times(_ factor: Float) -> ONNXArray { factor == 1 ? self : ONNXArray(dims, .floats(floats.map { $0 * factor }), origin: origin) }

  /// A row of so many elements, from one that is repeated or from a row already.
  func repeated(to count: Int) throws(ONNXFault) -> ONNXArray {
    if self.count == count { return reshaped([count]) }
    guard self.count == 1 else { throw ONNXFault("has a bias of \(dims) for \(count) units") }
    return ONNXArray([count], .floats([Float](repeating: floats[0], count: count)))
  }
}
