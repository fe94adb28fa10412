import CKernels

/// A convolution of any window, stride and padding, or its gradient at the input: its windows, side by side, are the left side of a product.
struct GatheredConvolution {
  private let shape: kernels_convolution

  /// - Parameters:
  ///   - image: of the convolution's input.
  ///   - isBackward: for the gradient at the input.
  ///   - isHalf: whether both sides are rounded to bfloat16; sums are in single precision.
  /// - Returns: nil for groups, and for so few channels that the products would be too narrow.
  init?(batch: Int, image: Shape, filters: Int, window: Window, groups: Int, isBackward: Bool = false, isHalf: Bool) {
    guard groups == 1, image[2] > 4 else { return nil }
    shape = kernels_convolution(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride_height: Int64(window.stride.height),
      stride_width: Int64(window.stride.width), padding_height: Int64(window.padding.height), padding_width: Int64(window.padding.width),
      backward: isBackward, half: isHalf)
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ finish: Finish,
    _ lowering: inout Lowering
  ) {
    let (packed, scratch) = withUnsafePointer(to: shape) {
      (kernels_convolution_prepared_count($0) * 4, kernels_convolution_scratch_count($0) * 4)
    }
    let panels = lowering.packWeights("pack", from: [weights], bytes: packed) { [shape] memory, packed in
      withUnsafePointer(to: shape) { kernels_convolution_prepare($0, memory[weights], packed) }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(source), panels, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    lowering.emit(label, operands, finish) { [shape] memory, finish in
      withUnsafePointer(to: shape) {
        kernels_convolution_run($0, memory[source], memory[panels], memory[result], finish, memory[scratchpad])
      }
    }
  }
}
