import CKernels

/// The maximum over windows that lie side by side.
struct MaxPool {
  private let shape: kernels_max_pool
  /// The bytes that the backward pass needs: which element of each window was the largest.
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
    lowering.emit(label, reads: [source], writes: [result, indices]) { [shape, indexBytes] memory, _ in
      memory[indices].withMemoryRebound(to: UInt8.self, capacity: indexBytes) { indices in
        withUnsafePointer(to: shape) { kernels_max_pool_run($0, memory[source], memory[result], indices) }
      }
    }
  }

  func emitBackward(
    _ label: String, _ gradient: Lowering.BufferID, indices: Lowering.BufferID, to result: Lowering.BufferID, _ lowering: inout Lowering
  ) {
    lowering.emit(label, reads: [gradient, indices], writes: [result]) { [shape, indexBytes] memory, _ in
      memory[indices].withMemoryRebound(to: UInt8.self, capacity: indexBytes) { indices in
        withUnsafePointer(to: shape) { kernels_max_pool_gradient($0, memory[gradient], indices, memory[result]) }
      }
    }
  }
}
