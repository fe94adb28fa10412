import CKernels

/// The gradient of a convolution at images of few channels: on every attack's path, and the slowest kernel of oneDNN, which
/// vectorises over channels. Here the pixels are the vectors.
struct InputGradient {
  private let shape: kernels_input_gradient

  /// - Returns: nil where oneDNN's kernel is as fast.
  init?(batch: Int, image: Shape, filters: Int, window: Window, groups: Int) {
    guard groups == 1, image[2] <= 4, let stride = window.stride.both, let padding = window.padding.both,
      padding < min(window.height, window.width)
    else { return nil }
    shape = kernels_input_gradient(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride: Int64(stride), padding: Int64(padding))
  }

  /// - Parameter weights: `[filters, channels, window height, window width]`
  func emit(
    _ label: String, _ gradient: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ lowering: inout Lowering
  ) {
    let (packed, scratch) = withUnsafePointer(to: shape) {
      (kernels_input_gradient_prepared_count($0) * 4, kernels_input_gradient_scratch_count($0) * 4)
    }
    let taps = lowering.packWeights("pack", from: [weights], bytes: packed) { [shape] memory, packed in
      withUnsafePointer(to: shape) { kernels_input_gradient_prepare($0, memory[weights], packed) }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(gradient), taps, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    lowering.emit(label, operands) { [shape] memory, _ in
      withUnsafePointer(to: shape) { kernels_input_gradient_run($0, memory[gradient], memory[taps], memory[result], memory[scratchpad]) }
    }
  }
}
