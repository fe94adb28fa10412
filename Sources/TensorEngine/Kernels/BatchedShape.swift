import CKernels

/// The shape of a kernel that processes the examples of a batch one by one.
protocol BatchedShape {
  var batch: Int64 { get set }
}

extension BatchedShape {
  /// For so many examples.
  func with(_ examples: Int) -> Self {
    var shape = self
    shape.batch = Int64(examples)
    return shape
  }
}

extension kernels_convolution: BatchedShape {}
extension kernels_winograd: BatchedShape {}
extension kernels_depthwise: BatchedShape {}
extension kernels_input_gradient: BatchedShape {}
extension kernels_max_pool: BatchedShape {}
