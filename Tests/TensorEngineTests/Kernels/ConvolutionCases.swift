import CKernels

extension ReferenceConvolution {
  fileprivate var description: String {
    "\(batch)×\(height)×\(width)×\(channels) to \(filters), window \(kernel.height)×\(kernel.width), stride \(stride.height), "
      + "padding \(padding.height)"
  }

  fileprivate func reference(_ isBackward: Bool, _ source: [Float], _ weights: [Float], _ format: NumberFormat = .fp32) -> [ReferenceSum] {
    let (source, weights) = (source.map(format.value), weights.map(format.value))
    return isBackward ? inputGradient(source, weights) : forward(source, weights)
  }
}

// MARK: Convolutions as products

let convolutionCases: [KernelCase] = {
  let shapes = [
    ReferenceConvolution(batch: 2, height: 7, width: 5, channels: 5, filters: 6, kernel: (3, 3), padding: (1, 1)),
    ReferenceConvolution(batch: 1, height: 9, width: 8, channels: 7, filters: 19, kernel: (4, 2), stride: (2, 3), padding: (1, 0)),
    ReferenceConvolution(batch: 3, height: 6, width: 6, channels: 16, filters: 33, kernel: (1, 1), stride: (2, 2)),
    ReferenceConvolution(batch: 1, height: 5, width: 5, channels: 40, filters: 70, kernel: (5, 5), padding: (2, 2)),
    // So many pixels that windows are read where they are: of few channels, of strides that differ, of a deep window and more filters than a
    // panel has columns, of rows longer than what is computed at once, and of a stride beyond the window.
    ReferenceConvolution(batch: 2, height: 28, width: 26, channels: 1, filters: 16, kernel: (4, 4), stride: (2, 2), padding: (1, 1)),
    ReferenceConvolution(batch: 1, height: 24, width: 27, channels: 5, filters: 19, kernel: (3, 5), stride: (3, 2), padding: (1, 2)),
    ReferenceConvolution(batch: 2, height: 16, width: 16, channels: 40, filters: 70, kernel: (3, 3), stride: (2, 2), padding: (1, 1)),
    ReferenceConvolution(batch: 1, height: 4, width: 203, channels: 3, filters: 4, kernel: (3, 3), padding: (1, 1)),
    ReferenceConvolution(batch: 1, height: 31, width: 29, channels: 6, filters: 5, kernel: (2, 2), stride: (3, 3)),
  ]
  return shapes.flatMap { shape in
    NumberFormat.allCases.flatMap { format in [false, true].map { asProduct(shape, format, isBackward: $0) } }
  }
}()

private func asProduct(_ s: ReferenceConvolution, _ format: NumberFormat, isBackward: Bool) -> KernelCase {
  KernelCase("convolution\(isBackward ? " backward" : ""), \(s.description), \(format.rawValue)") { kernels in
    let products = format.products(of: kernels)
    var shape = kernels_convolution(
      batch: Int64(s.batch), height: Int64(s.height), width: Int64(s.width), channels: Int64(s.channels), filters: Int64(s.filters),
      kernel_height: Int64(s.kernel.height), kernel_width: Int64(s.kernel.width), stride_height: Int64(s.stride.height),
      stride_width: Int64(s.stride.width), padding_height: Int64(s.padding.height), padding_width: Int64(s.padding.width),
      backward: isBackward)
    let (source, weights) = (noise(isBackward ? s.outputCount : s.inputCount), noise(s.weightCount, seed: 2))
    var packed = [Float](repeating: 0, count: products.convolution_packed_count(&shape))
    var scratch = [Float](repeating: 0, count: products.convolution_scratch_count(&shape))
    var result = Written<Float>(isBackward ? s.inputCount : s.outputCount)
    var epilogue = kernels_epilogue.none
    products.convolution_pack(&shape, weights, &packed)
    products.convolution(&shape, source, packed, &result.memory, &epilogue, &scratch)
    return result.faults(s.reference(isBackward, source, weights, format), within: 1e-6)
  }
}

// MARK: Winograd

let winogradCases: [KernelCase] = {
  let three = ReferenceConvolution(batch: 2, height: 7, width: 9, channels: 16, filters: 32, kernel: (3, 3), padding: (1, 1))
  let five = ReferenceConvolution(batch: 1, height: 10, width: 7, channels: 32, filters: 16, kernel: (5, 5), padding: (2, 2))
  // As many tiles as are transformed in several blocks, and more filters than a panel has columns.
  let large = ReferenceConvolution(batch: 4, height: 16, width: 18, channels: 48, filters: 80, kernel: (3, 3))
  return [three, five, large].flatMap { shape in
    [false, true].map { winograd(shape, tileHeight: 4, .fp32, isBackward: $0, within: 5e-6) }
  }
    + [three, large].flatMap { shape in
      [false, true].map { winograd(shape, tileHeight: 2, .bf16, isBackward: $0, within: 0.02) }
    } + [winograd(three, tileHeight: 2, .fp32, isBackward: false, within: 5e-6)]
}()

private func winograd(
  _ s: ReferenceConvolution, tileHeight: Int, _ format: NumberFormat, isBackward: Bool, within tolerance: Double
) -> KernelCase {
  KernelCase("winograd\(isBackward ? " backward" : ""), \(s.description), tiles \(tileHeight)×4, \(format.rawValue)") { kernels in
    let products = format.products(of: kernels)
    let taps = s.kernel.height * s.kernel.width
    var shape = kernels_winograd(
      batch: Int64(s.batch), height: Int64(isBackward ? s.outputHeight : s.height), width: Int64(isBackward ? s.outputWidth : s.width),
      channels: Int64(isBackward ? s.filters : s.channels), filters: Int64(isBackward ? s.channels : s.filters),
      kernel: Int64(s.kernel.height), padding: Int64(isBackward ? s.kernel.height - 1 - s.padding.height : s.padding.height),
      tile_height: Int64(tileHeight), tile_width: 4)
    let (source, weights) = (noise(isBackward ? s.outputCount : s.inputCount), noise(s.weightCount, seed: 2))
    var packed = [Float](repeating: 0, count: products.winograd_packed_count(&shape))
    var scratch = [Float](repeating: 0, count: products.winograd_scratch_count(&shape))
    var result = Written<Float>(isBackward ? s.inputCount : s.outputCount)
    var epilogue = kernels_epilogue.none
    let (filterStride, channelStride) = isBackward ? (taps, s.channels * taps) : (s.channels * taps, taps)
    products.winograd_pack(&shape, weights, Int64(filterStride), Int64(channelStride), isBackward, &packed)
    products.winograd(&shape, source, packed, &result.memory, &epilogue, &scratch)
    // Unrounded: it is the transformed numbers that are rounded.
    return result.faults(s.reference(isBackward, source, weights), within: tolerance)
  }
}

// MARK: Depthwise convolutions

let depthwiseCases: [KernelCase] = {
  func shape(_ kernel: Int, stride: Int, padding: Int, channels: Int) -> ReferenceConvolution {
    ReferenceConvolution(
      batch: 2, height: 11, width: 13, channels: channels, filters: channels, kernel: (kernel, kernel), stride: (stride, stride),
      padding: (padding, padding), groups: channels)
  }
  return [
    shape(3, stride: 1, padding: 1, channels: 5), shape(3, stride: 2, padding: 1, channels: 16),
    shape(5, stride: 1, padding: 2, channels: 19),
    shape(5, stride: 2, padding: 0, channels: 33), shape(2, stride: 3, padding: 1, channels: 1),
    shape(7, stride: 1, padding: 3, channels: 8),
  ].flatMap { shape in [false, true].map { depthwise(shape, isBackward: $0) } }
}()

private func depthwise(_ s: ReferenceConvolution, isBackward: Bool) -> KernelCase {
  KernelCase("depthwise\(isBackward ? " backward" : ""), \(s.description)") { kernels in
    var shape = kernels_depthwise(
      batch: Int64(s.batch), height: Int64(s.height), width: Int64(s.width), channels: Int64(s.channels), kernel: Int64(s.kernel.height),
      stride: Int64(s.stride.height), padding: Int64(s.padding.height))
    let (source, weights) = (noise(isBackward ? s.outputCount : s.inputCount), noise(s.weightCount, seed: 2))
    var packed = [Float](repeating: 0, count: s.weightCount)
    var result = Written<Float>(isBackward ? s.inputCount : s.outputCount)
    var epilogue = kernels_epilogue.none
    kernels.depthwise_pack(&shape, weights, &packed)
    (isBackward ? kernels.depthwise_gradient : kernels.depthwise)(&shape, source, packed, &result.memory, &epilogue)
    return result.faults(s.reference(isBackward, source, weights), within: 1e-6)
  }
}

// MARK: The gradient of images of few channels

let inputGradientCases: [KernelCase] = [
  ReferenceConvolution(batch: 2, height: 7, width: 5, channels: 1, filters: 4, kernel: (3, 3), padding: (1, 1)),
  ReferenceConvolution(batch: 1, height: 28, width: 28, channels: 1, filters: 32, kernel: (5, 5), padding: (2, 2)),
  ReferenceConvolution(batch: 2, height: 9, width: 11, channels: 3, filters: 18, kernel: (4, 4), stride: (2, 2), padding: (1, 1)),
  ReferenceConvolution(batch: 1, height: 6, width: 21, channels: 3, filters: 7, kernel: (2, 3)),
  ReferenceConvolution(batch: 2, height: 13, width: 40, channels: 2, filters: 5, kernel: (3, 3), stride: (2, 2)),
  ReferenceConvolution(batch: 1, height: 14, width: 23, channels: 4, filters: 6, kernel: (2, 2), stride: (3, 3), padding: (1, 1)),
].map { s in
  KernelCase("input gradient, \(s.description)") { kernels in
    var shape = kernels_input_gradient(
      batch: Int64(s.batch), height: Int64(s.height), width: Int64(s.width), channels: Int64(s.channels), filters: Int64(s.filters),
      kernel_height: Int64(s.kernel.height), kernel_width: Int64(s.kernel.width), stride: Int64(s.stride.height),
      padding: Int64(s.padding.height))
    let (gradient, weights) = (noise(s.outputCount), noise(s.weightCount, seed: 2))
    var packed = [Float](repeating: 0, count: kernels.input_gradient_packed_count(&shape))
    var scratch = [Float](repeating: 0, count: kernels.input_gradient_scratch_count(&shape))
    var result = Written<Float>(s.inputCount)
    kernels.input_gradient_pack(&shape, weights, &packed)
    kernels.input_gradient(&shape, gradient, packed, &result.memory, &scratch)
    return result.faults(s.reference(true, gradient, weights), within: 1e-6)
  }
}
