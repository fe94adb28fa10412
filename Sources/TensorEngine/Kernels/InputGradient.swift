import CKernels

/// The gradient of a convolution with respect to images of few channels. Every attack step needs it, and it is oneDNN's slowest kernel, which
/// vectorises over channels. This one vectorises over pixels.
struct InputGradient {
  private let shape: kernels_input_gradient

  /// - Returns: nil where oneDNN's kernel is as fast.
  init?(batch: Int, image: Shape, filters: Int, window: Window, groups: Int) {
    guard groups == 1, !window.isDilated, image[2] <= 4, let stride = window.stride.both, let padding = window.padding.both,
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
      (kernels.input_gradient_packed_count($0) * 4, kernels.input_gradient_scratch_count($0) * 4)
    }
    let taps = lowering.packWeights("pack", from: [weights], bytes: packed) { [shape] memory, packed in
      withUnsafePointer(to: shape) { kernels.input_gradient_pack($0, memory[weights], packed) }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(gradient), taps, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    let processed = lowering.processed
    lowering.emit(label, operands) { [shape] memory, pass in
      withUnsafePointer(to: shape.with(processed(pass))) {
        kernels.input_gradient($0, memory[gradient], memory[taps], memory[result], memory[scratchpad])
      }
    }
  }
}
