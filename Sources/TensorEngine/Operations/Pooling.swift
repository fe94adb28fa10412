import COneDNN

/// The maximum or the mean over each window, `[height, width, channels]` → `[height', width', channels]`.
package struct Pooling: Operation {
  package enum Kind: Sendable {
    case max
    /// Padding counts as zeros, as in PyTorch's `AvgPool2d`.
    case average
  }

  package let kind: Kind
  package let window: Window

  package init(_ kind: Kind, window: Window) {
    self.kind = kind
    self.window = window
  }

  package var label: String { kind == .max ? "max_pool" : "avg_pool" }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    let (height, width) = try window.output(inputs[0], of: "a pooling window")
    guard 2 * window.padding.height <= window.height, 2 * window.padding.width <= window.width else {
      throw GraphError("a pooling window of \(window.height)×\(window.width) takes a padding of at most half its size")
    }
    return [height, width, inputs[0][2]]
  }

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation {
    kind == .max ? .byInput(FrozenMaximum(window: window)) : .smooth(self)
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    if let pool = ownMaximum(node, lowering) {
      let indices = lowering.makeBuffer(bytes: pool.indexBytes)
      lowering.save(indices, of: node)
      return pool.emit(label, lowering.value(lowering.input(node)), to: lowering.makeValue(node), indices: indices, &lowering)
    }
    let keepsWorkspace = kind == .max && lowering.requiresGradient(node)
    let kernel = try OneDNNKernel.pooling(shape(node, lowering), ONEDNN_FORWARD, keepsWorkspace: keepsWorkspace)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_SOURCE, .buffer(lowering.value(lowering.input(node)))), (ONEDNN_DESTINATION, .buffer(lowering.makeValue(node))),
    ]
    if kernel.bytes(ONEDNN_WORKSPACE) > 0 {
      // The position of each maximum in its window.
      let workspace = lowering.makeBuffer(bytes: kernel.bytes(ONEDNN_WORKSPACE))
      lowering.save(workspace, of: node)
      arguments.append((ONEDNN_WORKSPACE, .buffer(workspace)))
    }
    lowering.emit(label, kernel, arguments)
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) throws {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), var gradient = lowering.summedGradient(at: node) else { return }
    if let relu = lowering.relu(beneath: node) {
      // The ReLU before a max pooling is masked here: there are fewer windows than values. See `Lowering.relu(beneath:)`.
      if !lowering.isMasked(node) {
        let masked = lowering.makeBuffer(like: node)
        lowering.emitMask("relu to input", gradient, by: .init(value: lowering.value(node), range: relu.range), like: node, to: masked)
        gradient = masked
      }
      lowering.markMasked(input)
    }
    if let pool = ownMaximum(node, lowering), let indices = lowering.saved(of: node) {
      let result = lowering.makeBuffer(like: input)
      pool.emitBackward(label + " to input", gradient, indices: indices, to: result, &lowering)
      return lowering.contribute(result, to: input)
    }
    let kernel = try OneDNNKernel.pooling(shape(node, lowering), ONEDNN_BACKWARD_SOURCE, keepsWorkspace: kind == .max)
    let result = lowering.makeBuffer(like: input)
    var arguments: [(role: onednn_role, operand: Lowering.Operand)] = [
      (ONEDNN_DESTINATION_GRADIENT, .buffer(gradient)), (ONEDNN_SOURCE_GRADIENT, .buffer(result)),
    ]
    if let workspace = lowering.saved(of: node) { arguments.append((ONEDNN_WORKSPACE, .buffer(workspace))) }
    lowering.emit(label + " to input", kernel, arguments)
    lowering.contribute(result, to: input)
  }

  /// A kernel of our own for windows side by side, five times faster than oneDNN's.
  private func ownMaximum(_ node: Graph.NodeID, _ lowering: Lowering) -> MaxPool? {
    kind == .max ? MaxPool(batch: lowering.batch, image: lowering.shape(lowering.input(node)), window: window) : nil
  }

  private func shape(_ node: Graph.NodeID, _ lowering: Lowering) -> onednn_pooling {
    let image = lowering.shape(lowering.input(node))
    return onednn_pooling(
      batch: Int64(lowering.batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride_height: Int64(window.stride.height),
      stride_width: Int64(window.stride.width), padding_height: Int64(window.padding.height), padding_width: Int64(window.padding.width),
      maximum: kind == .max)
  }
}
