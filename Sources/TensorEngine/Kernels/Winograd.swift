import CKernels

/// A convolution of stride 1 by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): two to
/// four times fewer multiplications than a direct one.
struct Winograd {
  private let shape: kernels_winograd
  private let order: WeightOrder

  /// - Parameter isTransposed: for the gradient at the input of a convolution with that window.
  /// - Returns: nil where the algorithm does not apply, or saves too little to pay for the way to the points and back.
  init?(batch: Int, image: Shape, channels: Int, filters: Int, window: Window, isTransposed: Bool = false, groups: Int) {
    let lanes = Int(kernels_lanes())
    guard let square = window.square else { return nil }
    let padding = isTransposed ? square.size - 1 - square.padding : square.padding
    guard groups == 1, square.stride == 1, [3, 5].contains(square.size), padding >= 0, channels % lanes == 0, filters % lanes == 0
    else { return nil }
    let (kernel, tile) = (square.size, 4)
    let (tall, wide) = (image[0] + 2 * padding - kernel + 1, image[1] + 2 * padding - kernel + 1)
    let tiles = ((tall + tile - 1) / tile) * ((wide + tile - 1) / tile)
    let points = (tile + kernel - 1) * (tile + kernel - 1)
    guard 2 * tiles * points <= tall * wide * kernel * kernel else { return nil }
    order = WeightOrder(channels: channels, filters: filters, window: window, isTransposed: isTransposed)
    shape = kernels_winograd(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(channels), filters: Int64(filters),
      kernel: Int64(kernel), padding: Int64(padding), tile: Int64(tile))
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ finish: Finish,
    _ lowering: inout Lowering
  ) {
    let (prepared, scratch) = withUnsafePointer(to: shape) {
      (kernels_winograd_prepared_count($0) * 4, kernels_winograd_scratch_count($0) * 4)
    }
    let points = lowering.prepare("winograd weights", [weights], bytes: prepared) { [shape, order] pointers, _ in
      withUnsafePointer(to: shape) {
        kernels_winograd_prepare($0, pointers[0], order.filterStride, order.channelStride, order.isFlipped, pointers[1])
      }
    }
    let operands: [Lowering.Operand] = [.buffer(source), points, .buffer(result), .buffer(lowering.makeBuffer(bytes: scratch))]
    lowering.emit(label, operands, finish) { [shape] pointers, finish in
      withUnsafePointer(to: shape) { kernels_winograd_run($0, pointers[0], pointers[1], pointers[2], finish, pointers[3]) }
    }
  }
}
