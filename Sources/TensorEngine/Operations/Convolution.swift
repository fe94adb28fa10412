import COneDNN

/// Cross-correlation over the image, `[height, width, channels]` → `[height', width', filters]`.
package struct Convolution: Operation {
  package let label = "conv"
  package let filters: Int
  package let window: Window
  package let groups: Int
  /// `[filters, channels / groups, window height, window width]`
  package let weight: ParameterID
  /// `[filters]`
  package let bias: ParameterID?

  package init(filters: Int, window: Window, groups: Int = 1, weight: ParameterID, bias: ParameterID?) {
    self.filters = filters
    self.window = window
    self.groups = groups
    self.weight = weight
    self.bias = bias
  }

  package var parameters: [ParameterID] { [weight] + (bias.map { [$0] } ?? []) }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    let (height, width) = try window.output(inputs[0], of: "a convolution")
    guard filters > 0, groups > 0, inputs[0][2] % groups == 0, filters % groups == 0 else {
      throw GraphError(
        "a convolution with \(groups) groups needs its \(inputs[0][2]) channels and \(filters) filters to be multiples of it")
    }
    return [height, width, filters]
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int {
    2 * output.count * window.height * window.width * inputs[0][2] / groups
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    let kernel = try Kernel.convolution(shape(node, lowering, relu: lowering.fusesReLU(after: node)), ONEDNN_FORWARD)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(lowering.value(lowering.input(node)))),
      (ONEDNN_WEIGHTS, try lowering.weight(weight, for: kernel)),
      (ONEDNN_DESTINATION, .buffer(lowering.makeValue(node))),
    ]
    if let bias { arguments.append((ONEDNN_BIAS, .weight(bias))) }
    lowering.emit(label, kernel, arguments)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    guard let gradient = lowering.gradient(node) else { return }
    let input = lowering.input(node)
    if lowering.wantsWeightGradients {
      let kernel = try Kernel.convolution(shape(node, lowering), ONEDNN_BACKWARD_WEIGHTS)
      var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
        (ONEDNN_SOURCE, .buffer(lowering.value(input))), (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)),
      ]
      if let bias { arguments.append((ONEDNN_BIAS_GRADIENT, .gradient(bias))) }
      try lowering.emitWeightGradient("conv to weights", kernel, of: weight, arguments)
    }
    guard lowering.wantsGradient(input) else { return }
    let kernel = try Kernel.convolution(shape(node, lowering), ONEDNN_BACKWARD_SOURCE)
    let result = lowering.makeBuffer(like: input)
    lowering.emit(
      "conv to input", kernel,
      [
        (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)), (ONEDNN_WEIGHTS, try lowering.weight(weight, for: kernel)),
        (ONEDNN_SOURCE_GRADIENT, .buffer(result)),
      ])
    lowering.contribute(result, to: input)
  }

  private func shape(_ node: Graph.NodeID, _ lowering: Lowering, relu: Bool = false) -> onednn_convolution {
    let image = lowering.shape(lowering.input(node))
    return onednn_convolution(
      batch: Int64(Shard.size), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride: Int64(window.stride),
      padding: Int64(window.padding), groups: Int64(groups), bias: bias != nil, relu: relu)
  }
}
