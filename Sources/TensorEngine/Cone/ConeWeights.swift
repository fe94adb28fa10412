import CKernels

/// The weights of a first linear layer, packed for changes of its input.
///
/// `@unchecked Sendable`: written when it is made, only read afterwards.
package final class ConeWeights: @unchecked Sendable {
  let parameters: Parameters
  /// Of the results of the layer, rounded up to whole vectors.
  let stride: Int
  /// The results where the whole input is zero, `[stride]`.
  let initial: [Float]
  private let shape: kernels_product
  private let packed: Memory

  private static func shape(_ program: ConeProgram) -> kernels_product {
    kernels_product(rows: 1, depth: Int64(program.plan.last.count), columns: Int64(program.plan.linear.units))
  }

  static func bytes(_ program: ConeProgram) -> Int {
    withUnsafePointer(to: shape(program)) { kernels.fp32.product_packed_count($0) } * MemoryLayout<Float>.size
  }

  package init(_ program: ConeProgram, _ parameters: Parameters) {
    let (linear, last) = (program.plan.linear, program.plan.last)
    self.parameters = parameters
    shape = Self.shape(program)
    let lanes = Int(kernels.lanes)
    stride = (linear.units + lanes - 1) / lanes * lanes
    let bias = linear.bias.map { parameters[$0].values } ?? []
    initial = bias + [Float](repeating: 0, count: stride - bias.count)
    packed = Memory(bytes: Self.bytes(program))
    let order = kernels_matrix(
      depth_stride: 1, column_stride: Int64(last.count), depth_pixels: Int64(last[0] * last[1]), column_pixels: 1)
    parameters.withValues { values in
      guard let weights = values.baseAddress else { return }
      withUnsafePointer(to: shape) { shape in
        withUnsafePointer(to: order) {
          kernels.fp32.product_pack(shape, weights + parameters.layout.offset(linear.weight), $0, packed.base)
        }
      }
    }
  }

  /// Adds to the results of the layer for one image, `[stride]`, what the change of a rectangle of its input makes of them.
  func add(_ change: Rectangle, insteadOf map: Rectangle, to results: UnsafeMutablePointer<Float>) {
    let (first, count) = (change.place, change.extent.width * change.channels)
    withUnsafePointer(to: shape) { shape in
      for row in first.row..<first.row + change.extent.height {
        let before = map.pointer(row, first.column)
        kernels.product_change(
          shape, change.pointer(row, first.column), before, Int64(before - map.pixels), Int64(count), packed.floats(), results)
      }
    }
  }
}
