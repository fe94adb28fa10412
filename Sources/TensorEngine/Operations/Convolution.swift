import COneDNN

/// Cross-correlation over the image, `[height, width, channels]` → `[height', width', filters]`.
package struct Convolution: WeightedOperation {
  package let label = "conv"
  package let filters: Int
  package let window: Window
  package let groups: Int
  /// `[filters, channels / groups, window height, window width]`
  package let weight: ParameterID
  /// `[filters]`
  package let bias: ParameterID?
  var radius: RadiusLayer?

  package init(filters: Int, window: Window, groups: Int = 1, weight: ParameterID, bias: ParameterID?) {
    self.filters = filters
    self.window = window
    self.groups = groups
    self.weight = weight
    self.bias = bias
  }

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

  func kernel(
    _ direction: onednn_direction, at node: Graph.NodeID, _ lowering: Lowering, hasBias: Bool, clamp: ClosedRange<Float>?, isBF16: Bool
  ) throws -> OneDNNKernel {
    let image = lowering.shape(lowering.input(node))
    let shape = onednn_convolution(
      batch: Int64(lowering.batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride_height: Int64(window.stride.height),
      stride_width: Int64(window.stride.width), padding_height: Int64(window.padding.height), padding_width: Int64(window.padding.width),
      dilation_height: Int64(window.dilation.height), dilation_width: Int64(window.dilation.width), groups: Int64(groups), bias: hasBias,
      bf16: isBF16, clamp: .init(clamp))
    return try .convolution(shape, direction)
  }

  func emitForward(
    _ node: Graph.NodeID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue, _ lowering: inout Lowering
  ) -> Bool {
    let input = lowering.input(node)
    let (image, source) = (lowering.shape(input), lowering.value(input))
    if isPointwise {
      Product(rows: lowering.batch * image[0] * image[1], depth: image[2], columns: filters, isBF16: lowering.isBF16).emit(
        label, source, weights: weights, strides: (1, image[2]), to: result, epilogue, &lowering)
      return true
    }
    if let depthwise = Depthwise(batch: lowering.batch, image: image, filters: filters, window: window, groups: groups) {
      depthwise.emit(label, source, weights: weights, to: result, epilogue, &lowering)
      return true
    }
    if let winograd = Winograd(
      batch: lowering.batch, image: image, channels: image[2], filters: filters, window: window, groups: groups, isBF16: lowering.isBF16
    ),
      winograd.weightBytes <= lowering.winogradBytes
    {
      winograd.emit(label, source, weights: weights, to: result, epilogue, &lowering)
      return true
    }
    // In single precision oneDNN is as fast where the stride is 1.
    guard lowering.isBF16 || window.stride.both != 1,
      let gathered = GatheredConvolution(
        batch: lowering.batch, image: image, filters: filters, window: window, groups: groups, isBF16: lowering.isBF16)
    else { return false }
    gathered.emit(label, source, weights: weights, to: result, epilogue, &lowering)
    return true
  }

  func emitBackward(
    _ node: Graph.NodeID, _ gradient: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID,
    _ lowering: inout Lowering
  ) -> Bool {
    let (input, label) = (lowering.input(node), label + " to input")
    let (image, output) = (lowering.shape(input), lowering.shape(node))
    if isPointwise {
      let product = Product(
        rows: lowering.batch * image[0] * image[1], depth: filters, columns: image[2], isBF16: lowering.isBF16)
      product.emit(
        label, gradient, weights: weights, strides: (image[2], 1), to: result, lowering.takeEpilogue(forGradientAt: input), &lowering)
      return true
    }
    if let first = InputGradient(batch: lowering.batch, image: image, filters: filters, window: window, groups: groups) {
      first.emit(label, gradient, weights: weights, to: result, &lowering)
      return true
    }
    if let depthwise = Depthwise(batch: lowering.batch, image: image, filters: filters, window: window, groups: groups) {
      depthwise.emitBackward(
        label, gradient, weights: weights, to: result, lowering.takeEpilogue(forGradientAt: input), &lowering)
      return true
    }
    if let winograd = Winograd(
      batch: lowering.batch, image: output, channels: filters, filters: image[2], window: window, isTransposed: true, groups: groups,
      isBF16: lowering.isBF16),
      winograd.weightBytes <= lowering.winogradBytes
    {
      winograd.emit(label, gradient, weights: weights, to: result, lowering.takeEpilogue(forGradientAt: input), &lowering)
      return true
    }
    // In single precision oneDNN is as fast where the stride is 1.
    guard lowering.isBF16 || window.stride.both != 1,
      let gathered = GatheredConvolution(
        batch: lowering.batch, image: image, filters: filters, window: window, groups: groups, isBackward: true, isBF16: lowering.isBF16
      )
    else { return false }
    gathered.emit(label, gradient, weights: weights, to: result, lowering.takeEpilogue(forGradientAt: input), &lowering)
    return true
  }

  /// Whether it is a product of matrices, pixels by channels.
  private var isPointwise: Bool { window == Window(1) && groups == 1 }
}
