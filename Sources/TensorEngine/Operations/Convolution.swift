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

  func kernel(_ direction: onednn_direction, at node: Graph.NodeID, _ lowering: Lowering, relu: Bool) throws -> Kernel {
    let image = lowering.shape(lowering.input(node))
    let shape = onednn_convolution(
      batch: Int64(Shard.size), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride: Int64(window.stride),
      padding: Int64(window.padding), groups: Int64(groups), bias: bias != nil, relu: relu)
    return try .convolution(shape, direction)
  }
}
