import CKernels

/// A product of matrices whose right side are weights: `[rows, depth]` by `[depth, columns]`.
struct Product {
  private let shape: kernels_product

  /// - Parameter isHalf: whether both sides are rounded to bfloat16; sums are in single precision.
  init(rows: Int, depth: Int, columns: Int, isHalf: Bool) {
    shape = kernels_product(rows: Int64(rows), depth: Int64(depth), columns: Int64(columns), half: isHalf)
  }

  /// Emits the product of `source` and weights whose element (k, j) stands at `k * strides.depth + j * strides.column`.
  ///
  /// - Parameter pixels: of the image whose values one side of the weights counts channel by channel, where the activations have the
  ///   channels last; 1 for a side that is no image.
  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, strides: (depth: Int, column: Int),
    pixels: (depth: Int, columns: Int) = (1, 1), to result: Lowering.BufferID, _ finish: Finish, _ lowering: inout Lowering
  ) {
    let (packed, scratch) = withUnsafePointer(to: shape) {
      (kernels_product_prepared_count($0) * 4, kernels_product_scratch_count($0) * 4)
    }
    let order = kernels_matrix(
      depth_stride: Int64(strides.depth), column_stride: Int64(strides.column), depth_pixels: Int64(pixels.depth),
      column_pixels: Int64(pixels.columns))
    let panels = lowering.packWeights("pack", from: [weights], bytes: packed) { [shape] memory, packed in
      withUnsafePointer(to: shape) { shape in
        withUnsafePointer(to: order) { kernels_product_prepare(shape, memory[weights], $0, packed) }
      }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(source), panels, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    lowering.emit(label, operands, finish) { [shape] memory, finish in
      withUnsafePointer(to: shape) { kernels_product_run($0, memory[source], memory[panels], memory[result], finish, memory[scratchpad]) }
    }
  }
}
