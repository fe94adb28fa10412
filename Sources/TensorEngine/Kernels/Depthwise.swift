import CKernels

/// A depthwise convolution: each channel has a window of its own.
struct Depthwise {
  private let shape: kernels_depthwise

  /// - Parameter image: of the convolution's input.
  /// - Returns: nil for a convolution that mixes channels, and for very large windows.
  init?(batch: Int, image: Shape, filters: Int, window: Window, groups: Int) {
    guard groups > 1, groups == image[2], filters == groups, let square = window.square, square.size <= 8 else { return nil }
    shape = kernels_depthwise(
      batch: Int64(batch), height: Int64(image[0]), width: Int64(image[1]), channels: Int64(groups), kernel: Int64(square.size),
      stride: Int64(square.stride), padding: Int64(square.padding))
  }

  func emit(
    _ label: String, _ source: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue,
    _ lowering: inout Lowering
  ) {
    let taps = packed(weights, &lowering)
    lowering.emit(label, [.buffer(source), taps, .buffer(result)], epilogue) { [shape] memory, epilogue, examples in
      withUnsafePointer(to: shape.with(examples)) { kernels.depthwise($0, memory[source], memory[taps], memory[result], epilogue) }
    }
  }

  func emitBackward(
    _ label: String, _ gradient: Lowering.BufferID, weights: Lowering.Operand, to result: Lowering.BufferID, _ epilogue: Epilogue,
    _ lowering: inout Lowering
  ) {
    let taps = packed(weights, &lowering)
    lowering.emit(label, [.buffer(gradient), taps, .buffer(result)], epilogue) { [shape] memory, epilogue, examples in
      withUnsafePointer(to: shape.with(examples)) {
        kernels.depthwise_gradient($0, memory[gradient], memory[taps], memory[result], epilogue)
      }
    }
  }

  private func packed(_ weights: Lowering.Operand, _ lowering: inout Lowering) -> Lowering.Operand {
    lowering.packWeights("pack", from: [weights], bytes: Int(shape.channels * shape.kernel * shape.kernel) * 4) { [shape] memory, packed in
      withUnsafePointer(to: shape) { kernels.depthwise_pack($0, memory[weights], packed) }
    }
  }
}
