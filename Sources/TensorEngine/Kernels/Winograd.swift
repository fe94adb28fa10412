import CKernels

/// A convolution of stride 1 by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): two to
/// four times fewer multiplications than a direct one.
struct Winograd {
  private let shape: kernels_winograd
  private let order: WeightOrder

  /// - Parameters:
  ///   - isTransposed: for the gradient at the input of a convolution with that window.
  ///   - isHalf: whether to multiply in bfloat16 where that is exact enough: it is for small tiles of 3×3 windows, and never for 5×5.
  /// - Returns: nil where the algorithm does not apply, or saves too little to pay for the way to the points and back.
  init?(batch: Int, image: Shape, channels: Int, filters: Int, window: Window, isTransposed: Bool = false, groups: Int, isHalf: Bool) {
    let lanes = Int(kernels_lanes())
    guard let square = window.square else { return nil }
    let padding = isTransposed ? square.size - 1 - square.padding : square.padding
    guard groups == 1, square.stride == 1, [3, 5].contains(square.size), padding >= 0, channels % lanes == 0, filters % lanes == 0
    else { return nil }
    let kernel = square.size
    let isHalf = isHalf && kernel == 3
    let tile = Extent(height: isHalf ? 2 : 4, width: 4)
    let (tall, wide) = (image[0] + 2 * padding - kernel + 1, image[1] + 2 * padding - kernel + 1)
    let tiles = ((tall + tile.height - 1) / tile.height) * ((wide + tile.width - 1) / tile.width)
    let points = (tile.height + kernel - 1) * (tile.width + kernel - 1)
    guard 2 * tiles * points <= tall * wide * kernel * kernel else { return nil }
    order = WeightOrder(channels: channels, filters: filters, window: window, isTransposed: isTransposed)
    shape = kernels_winograd(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(channels), filters: Int64(filters),
      kernel: Int64(kernel), padding: Int64(padding), tile_height: Int64(tile.height), tile_width: Int64(tile.width), half: isHalf)
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ finish: Finish,
    _ lowering: inout Lowering
  ) {
    let scratch = withUnsafePointer(to: shape) { kernels_winograd_scratch_count($0) * 4 }
    let points = lowering.packWeights("winograd weights", from: [weights], bytes: weightBytes) { [shape, order] memory, packed in
      withUnsafePointer(to: shape) {
        kernels_winograd_prepare($0, memory[weights], order.filterStride, order.channelStride, order.isFlipped, packed)
      }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(source), points, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    lowering.emit(label, operands, finish) { [shape] memory, finish in
      withUnsafePointer(to: shape) { kernels_winograd_run($0, memory[source], memory[points], memory[result], finish, memory[scratchpad]) }
    }
  }

  /// Of the weights at the points.
  var weightBytes: Int { withUnsafePointer(to: shape) { kernels_winograd_prepared_count($0) * 4 } }
}
