import CKernels

/// A product of matrices whose right side are weights: `[rows, depth]` by `[depth, columns]`.
struct Product {
  let rows, depth, columns: Int
  /// Whether both sides are rounded to bfloat16; sums are in single precision.
  let isHalf: Bool

  /// Emits the product of `source` and weights whose element (k, j) stands at `k * strides.depth + j * strides.column`.
  ///
  /// - Parameter pixels: of the image whose values one side of the weights counts channel by channel, where the activations have the
  ///   channels last; 1 for a side that is no image.
  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, strides: (depth: Int, column: Int),
    pixels: (depth: Int, columns: Int) = (1, 1), to result: Lowering.BufferID, _ finish: Finish, _ lowering: inout Lowering
  ) {
    let (rows, depth, columns, isHalf) = (Int64(rows), Int64(depth), Int64(columns), isHalf)
    let count = isHalf ? kernels_half_product_prepared_count(depth, columns) : kernels_product_prepared_count(depth, columns)
    let order = kernels_matrix(
      depth: depth, columns: columns, depth_stride: Int64(strides.depth), column_stride: Int64(strides.column),
      depth_pixels: Int64(pixels.depth), column_pixels: Int64(pixels.columns))
    let panels = lowering.prepare("pack", [weights], bytes: count * 4) { pointers, _ in
      withUnsafePointer(to: order) {
        if isHalf { kernels_half_product_prepare(pointers[0], $0, pointers[1]) } else { kernels_product_prepare(pointers[0], $0, pointers[1]) }
      }
    }
    let scratch = isHalf ? [Lowering.Operand.buffer(lowering.makeBuffer(bytes: kernels_half_product_scratch_count(depth) * 4))] : []
    lowering.emit(label, [.buffer(source), panels, .buffer(result)] + scratch, finish) { pointers, finish in
      if isHalf {
        kernels_half_product(pointers[0], pointers[1], pointers[2], rows, depth, columns, finish, pointers[3])
      } else {
        kernels_product(pointers[0], pointers[1], pointers[2], rows, depth, columns, finish)
      }
    }
  }
}
