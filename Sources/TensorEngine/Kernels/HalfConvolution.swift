import CKernels

/// A convolution in bfloat16 with sums in single precision: its windows, side by side, are the left side of a product.
struct HalfConvolution {
  private let shape: kernels_half_convolution
  private let order: WeightOrder

  /// - Parameters:
  ///   - image: of the convolution's input.
  ///   - isTransposed: for the gradient at the input of a convolution with that window, whose image and filters are then those of the output.
  /// - Returns: nil for groups, and where the gradient is no convolution of its own.
  init?(batch: Int, image: Shape, filters: Int, window: Window, isTransposed: Bool = false, groups: Int) {
    guard groups == 1 else { return nil }
    var padding = window.padding
    if isTransposed {
      padding = Extent(height: window.height - 1 - padding.height, width: window.width - 1 - padding.width)
      guard window.stride == 1, min(padding.height, padding.width) >= 0 else { return nil }
    }
    order = WeightOrder(channels: image[2], filters: filters, window: window, isTransposed: isTransposed)
    shape = kernels_half_convolution(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), filters: Int64(filters),
      kernel_height: Int64(window.height), kernel_width: Int64(window.width), stride_height: Int64(window.stride.height),
      stride_width: Int64(window.stride.width), padding_height: Int64(padding.height), padding_width: Int64(padding.width))
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ finish: Finish,
    _ lowering: inout Lowering
  ) {
    let (prepared, scratch) = withUnsafePointer(to: shape) {
      (kernels_half_convolution_prepared_count($0) * 4, kernels_half_convolution_scratch_count($0) * 4)
    }
    let panels = lowering.prepare("pack", [weights], bytes: prepared) { [shape, order] pointers, _ in
      withUnsafePointer(to: shape) {
        kernels_half_convolution_prepare($0, pointers[0], order.filterStride, order.channelStride, order.isFlipped, pointers[1])
      }
    }
    let operands: [Lowering.Operand] = [.buffer(source), panels, .buffer(result), .buffer(lowering.makeBuffer(bytes: scratch))]
    lowering.emit(label, operands, finish) { [shape] pointers, finish in
      withUnsafePointer(to: shape) { kernels_half_convolution_run($0, pointers[0], pointers[1], pointers[2], finish, pointers[3]) }
    }
  }
}
