import CKernels

/// A convolution of any window, stride and padding, or its gradient with respect to the input, as a product whose left side are the windows:
/// copied side by side (im2col), or in single precision, where an image has many, read where they are.
struct GatheredConvolution {
  private let shape: kernels_convolution
  private let products: kernels_products

  /// - Parameters:
  ///   - image: of the convolution's input.
  ///   - isBackward: for the gradient with respect to the input.
  ///   - isBF16: whether both sides are rounded to bfloat16; sums are in single precision.
  /// - Returns: nil for groups and for windows with gaps, and for so few channels that the products of a gradient, or the copies of windows, would be too narrow.
  init?(batch: Int, image: Shape, filters: Int, window: Window, groups: Int, isBackward: Bool = false, isBF16: Bool) {
    guard groups == 1, !window.isDilated, image[2] > 4 || !(isBackward || isBF16) else { return nil }
    products = kernels.products(isBF16: isBF16)
    shape = kernels_convolution(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride_height: Int64(window.stride.height),
      stride_width: Int64(window.stride.width), padding_height: Int64(window.padding.height), padding_width: Int64(window.padding.width),
      backward: isBackward)
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue,
    _ lowering: inout Lowering
  ) {
    let (packed, scratch) = withUnsafePointer(to: shape) {
      (products.convolution_packed_count($0) * 4, products.convolution_scratch_count($0) * 4)
    }
    let panels = lowering.packWeights("pack", from: [weights], bytes: packed) { [shape, products] memory, packed in
      withUnsafePointer(to: shape) { products.convolution_pack($0, memory[weights], packed) }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(source), panels, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    lowering.emit(label, operands, epilogue) { [shape, products] memory, epilogue, examples in
      withUnsafePointer(to: shape.with(examples)) {
        products.convolution($0, memory[source], memory[panels], memory[result], epilogue, memory[scratchpad])
      }
    }
  }
}
