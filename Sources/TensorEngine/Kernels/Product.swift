import CKernels

/// A product of matrices whose right side are weights: `[rows, depth]` by `[depth, columns]`.
struct Product {
  private let shape: kernels_product
  private let products: kernels_products

  /// - Parameter isBF16: whether both sides are rounded to bfloat16; sums are in single precision.
  init(rows: Int, depth: Int, columns: Int, isBF16: Bool) {
    products = kernels.products(isBF16: isBF16)
    shape = kernels_product(rows: Int64(rows), depth: Int64(depth), columns: Int64(columns))
  }

  /// Emits the product of `source` and weights whose element (k, j) is at `k * strides.depth + j * strides.column`.
  ///
  /// - Parameter pixels: if one side of the weights runs over the values of an image, its pixels, otherwise 1. The weights order the values
  ///   channel by channel, the activations are channels-last.
  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, strides: (depth: Int, column: Int),
    pixels: (depth: Int, columns: Int) = (1, 1), to result: Lowering.BufferID, _ epilogue: Epilogue, _ lowering: inout Lowering
  ) {
    let (packed, scratch) = withUnsafePointer(to: shape) {
      (products.product_packed_count($0) * 4, products.product_scratch_count($0) * 4)
    }
    let order = kernels_matrix(
      depth_stride: Int64(strides.depth), column_stride: Int64(strides.column), depth_pixels: Int64(pixels.depth),
      column_pixels: Int64(pixels.columns))
    let panels = lowering.packWeights("pack", from: [weights], bytes: packed) { [shape, products] memory, packed in
      withUnsafePointer(to: shape) { shape in
        withUnsafePointer(to: order) { products.product_pack(shape, memory[weights], $0, packed) }
      }
    }
    let scratchpad = lowering.makeBuffer(bytes: scratch)
    let operands = [.buffer(source), panels, .buffer(result), .buffer(scratchpad)] as [Lowering.Operand]
    let rowsOfExample = shape.rows / Int64(lowering.batch)
    lowering.emit(label, operands, epilogue) { [shape, products] memory, epilogue, examples in
      var shape = shape
      shape.rows = Int64(examples) * rowsOfExample
      withUnsafePointer(to: shape) { products.product($0, memory[source], memory[panels], memory[result], epilogue, memory[scratchpad]) }
    }
  }
}
