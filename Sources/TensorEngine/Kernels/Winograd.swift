import CKernels

/// A convolution of stride 1 by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): two to
/// four times fewer multiplications than a direct one.
struct Winograd {
  private let shape: kernels_winograd
  private let products: kernels_products
  private let order: WeightOrder

  /// - Parameters:
  ///   - isTransposed: for the gradient with respect to the input of a convolution with that window.
  ///   - isBF16: whether to multiply in bfloat16 where that is exact enough: for 3×3 windows with small tiles, never for 5×5.
  /// - Returns: nil if the algorithm does not apply, or saves too few multiplications to pay for its transforms.
  init?(batch: Int, image: Shape, channels: Int, filters: Int, window: Window, isTransposed: Bool = false, groups: Int, isBF16: Bool) {
    let lanes = Int(kernels.lanes)
    guard let square = window.square else { return nil }
    let padding = isTransposed ? square.size - 1 - square.padding : square.padding
    guard groups == 1, square.stride == 1, [3, 5].contains(square.size), padding >= 0, channels % lanes == 0, filters % lanes == 0
    else { return nil }
    let kernel = square.size
    let isBF16 = isBF16 && kernel == 3
    let tile = Extent(height: isBF16 ? 2 : 4, width: 4)
    let (tall, wide) = (image[0] + 2 * padding - kernel + 1, image[1] + 2 * padding - kernel + 1)
    let tiles = ((tall + tile.height - 1) / tile.height) * ((wide + tile.width - 1) / tile.width)
    let points = (tile.height + kernel - 1) * (tile.width + kernel - 1)
    guard 2 * tiles * points <= tall * wide * kernel * kernel else { return nil }
    order = WeightOrder(channels: channels, filters: filters, window: window, isTransposed: isTransposed)
    products = kernels.products(isBF16: isBF16)
    shape = kernels_winograd(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(channels), filters: Int64(filters),
      kernel: Int64(kernel), padding: Int64(padding), tile_height: Int64(tile.height), tile_width: Int64(tile.width))
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue,
    _ lowering: inout Lowering
  ) {
    let scratch = withUnsafePointer(to: shape) { products.winograd_scratch_count($0) * 4 }
    let points = lowering.packWeights("winograd weights", from: [weights], bytes: weightBytes) { [shape, order, products] memory, packed in
      withUnsafePointer(to: shape) {
        products.winograd_pack($0, memory[weights], order.filterStride, order.channelStride, order.isFlipped, packed)
      }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(source), points, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    lowering.emit(label, operands, epilogue) { [shape, products] memory, epilogue, examples in
      withUnsafePointer(to: shape.with(examples)) {
        products.winograd($0, memory[source], memory[points], memory[result], epilogue, memory[scratchpad])
      }
    }
  }

  /// The memory of the transformed weights.
  var weightBytes: Int { withUnsafePointer(to: shape) { products.winograd_packed_count($0) * 4 } }
}
