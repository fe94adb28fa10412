import CKernels

/// How the right side of a product is stored.
private enum Order: String, CaseIterable {
  case rows, columns
  /// The depth runs over an image of 5 pixels, channel by channel.
  case depthOfImage
  /// So do the columns.
  case columnsOfImage

  func matrix(depth: Int, columns: Int) -> kernels_matrix {
    let isTransposed = self == .columns || self == .depthOfImage
    return kernels_matrix(
      depth_stride: Int64(isTransposed ? 1 : columns), column_stride: Int64(isTransposed ? depth : 1),
      depth_pixels: self == .depthOfImage ? 5 : 1, column_pixels: self == .columnsOfImage ? 5 : 1)
  }

  /// Where element (k, j) of the right side is stored.
  func index(_ k: Int, _ j: Int, depth: Int, columns: Int) -> Int {
    func channelsFirst(_ i: Int, of count: Int) -> Int {
      let (pixel, channel) = (i / (count / 5), i % (count / 5))
      return channel * 5 + pixel
    }
    switch self {
    case .rows: return k * columns + j
    case .columns: return j * depth + k
    case .depthOfImage: return j * depth + channelsFirst(k, of: depth)
    case .columnsOfImage: return k * columns + channelsFirst(j, of: columns)
    }
  }
}

private struct ProductShape {
  var rows: Int, depth: Int, columns: Int
  var order = Order.rows
  /// Whether most of the left side is 0, as it is behind a ReLU.
  var isSparse = false

  func testCase(_ format: NumberFormat) -> KernelCase {
    KernelCase("product \(rows)×\(depth)×\(columns), \(order)\(isSparse ? ", sparse" : ""), \(format.rawValue)") { [self] kernels in
      let a = noise(rows * depth).enumerated().map { isSparse && $0.offset % depth % 7 != 3 ? 0 : $0.element }
      let (b, bias) = (noise(depth * columns, seed: 2), noise(columns, seed: 3))
      let (addend, activation) = (noise(rows * columns, seed: 4), noise(rows * columns, seed: 5))
      var result = Written<Float>(rows * columns)
      run(kernels, format, a, b, bias, addend, activation, &result)
      return result.faults(reference(format, a, b, bias, addend, activation), within: 1e-6)
    }
  }

  private func run(
    _ kernels: kernels_table, _ format: NumberFormat, _ a: [Float], _ b: [Float], _ bias: [Float], _ addend: [Float], _ activation: [Float],
    _ result: inout Written<Float>
  ) {
    let products = format.products(of: kernels)
    var shape = kernels_product(rows: Int64(rows), depth: Int64(depth), columns: Int64(columns))
    var matrix = order.matrix(depth: depth, columns: columns)
    var packed = [Float](repeating: 0, count: products.product_packed_count(&shape))
    var scratch = [Float](repeating: 0, count: products.product_scratch_count(&shape))
    products.product_pack(&shape, b, &matrix, &packed)
    bias.withUnsafeBufferPointer { bias in
      addend.withUnsafeBufferPointer { addend in
        activation.withUnsafeBufferPointer { activation in
          var epilogue = kernels_epilogue(
            bias: bias.baseAddress, addend: addend.baseAddress, clamped: activation.baseAddress, mask_bits: nil, mask_bits_out: nil,
            low: -2,
            high: 1.5, clamped_low: -0.5, clamped_high: 0.75)
          products.product(&shape, a, packed, &result.memory, &epilogue, &scratch)
        }
      }
    }
  }

  private func reference(
    _ format: NumberFormat, _ a: [Float], _ b: [Float], _ bias: [Float], _ addend: [Float], _ activation: [Float]
  ) -> [ReferenceSum] {
    (0..<rows * columns).map { index in
      let (i, j) = (index / columns, index % columns)
      var sum = ReferenceSum()
      for k in 0..<depth { sum.add(format.value(a[i * depth + k]) * format.value(b[order.index(k, j, depth: depth, columns: columns)])) }
      sum.add(Double(bias[j]))
      sum.add(Double(addend[index]))
      sum.clamp(to: -2...1.5)
      if !(activation[index] > -0.5 && activation[index] < 0.75) { sum.clear() }
      return sum
    }
  }
}

let productCases: [KernelCase] = {
  let shapes = [
    ProductShape(rows: 1, depth: 1, columns: 1), ProductShape(rows: 3, depth: 0, columns: 5), ProductShape(rows: 7, depth: 5, columns: 17),
    ProductShape(rows: 53, depth: 131, columns: 66), ProductShape(rows: 13, depth: 48, columns: 33, order: .columns),
    ProductShape(rows: 50, depth: 300, columns: 130, order: .columns), ProductShape(rows: 6, depth: 35, columns: 19, order: .depthOfImage),
    ProductShape(rows: 6, depth: 19, columns: 35, order: .columnsOfImage),
    ProductShape(rows: 53, depth: 150, columns: 260, isSparse: true),
  ]
  return shapes.flatMap { shape in NumberFormat.allCases.map(shape.testCase) } + productChangeCases
}()

/// What a change of part of a row does to the row's result.
private let productChangeCases = [(1, 1, 0, 1), (9, 17, 3, 5), (300, 100, 20, 270), (40, 16, 0, 16), (150, 260, 149, 1)].map {
  depth, columns, first, count in
  KernelCase("change of a product, \(count) steps from \(first) of \(depth)×\(columns)") { kernels in
    var shape = kernels_product(rows: 1, depth: Int64(depth), columns: Int64(columns))
    var matrix = kernels_matrix(depth_stride: Int64(columns), column_stride: 1, depth_pixels: 1, column_pixels: 1)
    let (b, before, start) = (noise(depth * columns, seed: 2), noise(count), noise(columns, seed: 3))
    // Most steps stay as they are.
    let now = noise(count, seed: 4).enumerated().map { $0.offset % 3 == 0 ? $0.element : before[$0.offset] }
    var packed = [Float](repeating: 0, count: kernels.fp32.product_packed_count(&shape))
    kernels.fp32.product_pack(&shape, b, &matrix, &packed)
    let lanes = Int(kernels.lanes)
    var result = Written<Float>((columns + lanes - 1) / lanes * lanes)
    for index in result.values.indices { result.memory[index] = index < columns ? start[index] : 0 }
    kernels.product_change(&shape, now, before, Int64(first), Int64(count), packed, &result.memory)
    return result.faults(
      result.values.indices.map { column in
        var sum = ReferenceSum()
        guard column < columns else { return sum }
        sum.add(Double(start[column]))
        for step in 0..<count { sum.add(Double(now[step] - before[step]) * Double(b[(first + step) * columns + column])) }
        return sum
      }, within: 1e-6)
  }
}
