import CKernels

/// Max pooling over adjacent windows.
struct MaxPool {
  private let shape: kernels_max_pool
  /// The bytes of the indices that the backward pass reads: which element of each window was the largest.
  let indexBytes: Int

  /// - Returns: nil for windows that overlap, leave gaps or reach over the edge.
  init?(batch: Int, image: Shape, window: Window) {
    guard let square = window.square, square.stride == square.size, square.padding == 0, square.size <= 16 else { return nil }
    shape = kernels_max_pool(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(image[2]), window: Int64(window.height))
    indexBytes = batch * (image[0] / window.height) * (image[1] / window.width) * image[2]
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, to result: Lowering.BufferID, indices: Lowering.BufferID, _ lowering: inout Lowering
  ) {
    let processed = lowering.processed
    lowering.emit(label, reads: [source], writes: [result, indices]) { [shape, indexBytes] memory, pass in
      memory[indices].withMemoryRebound(to: UInt8.self, capacity: indexBytes) { indices in
        withUnsafePointer(to: shape.with(processed(pass))) { kernels.max_pool($0, memory[source], memory[result], indices) }
      }
    }
  }

  func emitBackward(
    _ label: String, _ gradient: Lowering.BufferID, indices: Lowering.BufferID, to result: Lowering.BufferID, _ lowering: inout Lowering
  ) {
    let processed = lowering.processed
    lowering.emit(label, reads: [gradient, indices], writes: [result]) { [shape, indexBytes] memory, pass in
      memory[indices].withMemoryRebound(to: UInt8.self, capacity: indexBytes) { indices in
        withUnsafePointer(to: shape.with(processed(pass))) { kernels.max_pool_gradient($0, memory[gradient], indices, memory[result]) }
      }
    }
  }
}
