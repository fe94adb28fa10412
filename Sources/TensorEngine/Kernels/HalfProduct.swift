import CKernels

/// A product of matrices in bfloat16 with sums in single precision: `[rows, depth]` by weights `[depth, columns]`.
struct HalfProduct {
  let rows, depth, columns: Int

  /// Emits the product of `source` and weights whose element (k, j) stands at `k * strides.depth + j * strides.column`.
  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, strides: (depth: Int, column: Int),
    to result: Lowering.BufferID, _ finish: Finish, _ lowering: inout Lowering
  ) {
    let (rows, depth, columns) = (Int64(rows), Int64(depth), Int64(columns))
    let panels = lowering.prepare("pack", [weights], bytes: kernels_half_product_prepared_count(depth, columns) * 4) { pointers, _ in
      kernels_half_product_prepare(pointers[0], Int64(strides.depth), Int64(strides.column), depth, columns, pointers[1])
    }
    let scratch = lowering.makeBuffer(bytes: kernels_half_product_scratch_count(depth) * 4)
    let operands: [Lowering.Operand] = [.buffer(source), panels, .buffer(result), .buffer(scratch)]
    lowering.emit(label, operands, finish) { pointers, finish in
      kernels_half_product(pointers[0], pointers[1], pointers[2], rows, depth, columns, finish, pointers[3])
    }
  }
}
