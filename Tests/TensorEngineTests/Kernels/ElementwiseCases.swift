import CKernels
import Foundation
import TensorEngine

private let counts = [1, 5, 16, 67]

let elementwiseCases: [KernelCase] =
  counts.flatMap { count in
    [
      KernelCase("add, \(count)") { kernels in
        let (a, b) = (noise(count), noise(count, seed: 2))
        var result = Written<Float>(count)
        kernels.add(a, b, &result.memory, Int64(count))
        return result.faults(exactly: zip(a, b).map { $0 + $1 })
      },
      KernelCase("gradient of a clamp, \(count)") { kernels in
        var (gradient, clamped) = (noise(count), noise(count, seed: 2))
        (gradient[0], clamped[0]) = (3, -0.5)  // the end of the range passes nothing
        var result = Written<Float>(count)
        kernels.clamp_gradient(gradient, clamped, -0.5, 0.25, &result.memory, Int64(count))
        return result.faults(exactly: zip(gradient, clamped).map { $1 > -0.5 && $1 < 0.25 ? $0 : 0 })
      },
      KernelCase("signed ascent, \(count)") { kernels in ascentFaults(kernels, count) },
    ]
  }
  + [(1, 3), (5, 16), (3, 48), (7, 32)].map { rows, columns in
    KernelCase("scale with an epilogue, \(rows)×\(columns)") { kernels in scaleFaults(kernels, rows, columns) }
  }

private func ascentFaults(_ kernels: kernels_table, _ count: Int) -> [String] {
  let centre = noise(count).map { abs($0) }
  var gradient = noise(count, seed: 2)
  let points = zip(centre, noise(count, seed: 3)).map { $0 + 0.25 * $1 }
  // No direction: 0 and NaN.
  for (index, value) in [Float(0), .nan].enumerated() where index < count - 1 { gradient[index] = value }
  var result = Written<Float>(count)
  for (index, point) in points.enumerated() { result.memory[index] = point }
  kernels.ascend_signs(&result.memory, gradient, centre, 0.0625, 0.25, 0, 1, Int64(count))
  return result.faults(
    exactly: (0..<count).map { i in
      let moved = points[i] + (gradient[i] > 0 ? 0.0625 : gradient[i] < 0 ? -0.0625 : 0)
      return min(max(moved, max(centre[i] - 0.25, 0)), min(centre[i] + 0.25, 1))
    })
}

/// The whole epilogue, with activation masks in and out where the columns are a multiple of 16.
private func scaleFaults(_ kernels: kernels_table, _ rows: Int, _ columns: Int) -> [String] {
  let count = rows * columns
  // Multiples of 1/64: every result is exact, however it is computed.
  func exact(_ seed: UInt64, _ count: Int) -> [Float] { noise(count, seed: seed).map { ($0 * 64).rounded() / 64 } }
  let (x, factors, bias) = (exact(1, count), exact(2, columns), exact(3, columns))
  let hasMasks = columns % 16 == 0
  let mask = noise(count / 8 + 1, seed: 4).map { UInt8(truncatingIfNeeded: Int($0 * 1000)) }
  var maskOut = Written<UInt8>(hasMasks ? count / 8 : 0, untouched: 0xA5)
  var result = Written<Float>(count)
  bias.withUnsafeBufferPointer { bias in
    mask.withUnsafeBufferPointer { mask in
      maskOut.memory.withUnsafeMutableBufferPointer { maskOut in
        var epilogue = kernels_epilogue(
          bias: bias.baseAddress, addend: nil, clamped: nil, mask_bits: hasMasks ? mask.baseAddress : nil,
          mask_bits_out: hasMasks ? maskOut.baseAddress : nil, low: 0, high: 0.5, clamped_low: 0, clamped_high: 0)
        kernels.scale(x, factors, &epilogue, &result.memory, Int64(rows), Int64(columns))
      }
    }
  }
  func bit(_ mask: [UInt8], _ index: Int) -> Bool { mask[index / 8] >> (index % 8) & 1 == 1 }
  let clamped = (0..<count).map { min(max(x[$0] * factors[$0 % columns] + bias[$0 % columns], 0), 0.5) }
  var masks = [UInt8](repeating: 0, count: hasMasks ? count / 8 : 0)
  if hasMasks { for index in 0..<count where clamped[index] > 0 && clamped[index] < 0.5 { masks[index / 8] |= 1 << (index % 8) } }
  return result.faults(exactly: (0..<count).map { !hasMasks || bit(mask, $0) ? clamped[$0] : 0 }) + maskOut.faults(exactly: masks)
}

// MARK: Activations

let activationCases: [KernelCase] = [KERNELS_GELU, KERNELS_SILU].flatMap { kind in
  counts.flatMap { count in
    let name = kind == KERNELS_GELU ? "gelu" : "silu"
    // From the tails, where the result is all but 0 or x, through 0.
    let (x, gradient) = (noise(count).enumerated().map { $0.element * ($0.offset % 2 == 0 ? 3 : 12) }, noise(count, seed: 2))
    return [
      KernelCase("\(name), \(count)") { kernels in
        var result = Written<Float>(count)
        kernels.activate(kind, x, &result.memory, Int64(count))
        return result.faults(x.map { Double($0) * gate(kind, Double($0)) }, within: 2e-6)
      },
      KernelCase("gradient of \(name), \(count)") { kernels in
        var result = Written<Float>(count)
        kernels.activate_gradient(kind, gradient, x, &result.memory, Int64(count))
        // The slope as a central difference of the definition.
        let slopes = x.map { x in
          let (low, high) = (Double(x) - 1e-5, Double(x) + 1e-5)
          return (high * gate(kind, high) - low * gate(kind, low)) / 2e-5
        }
        return result.faults(zip(gradient, slopes).map { Double($0) * $1 }, within: 4e-6)
      },
    ]
  }
}

private func gate(_ kind: kernels_activation, _ x: Double) -> Double {
  kind == KERNELS_GELU ? 0.5 * erfc(-x / 2.squareRoot()) : 1 / (1 + exp(-x))
}

// MARK: Max pooling

let poolingCases: [KernelCase] = [(1, 4, 4, 3, 2), (2, 7, 5, 19, 2), (1, 9, 9, 16, 3), (3, 5, 6, 33, 4)].map { shape in
  KernelCase("max pooling and its gradient, \(shape)") { kernels in
    let (batch, height, width, channels, window) = shape
    let (tall, wide) = (height / window, width / window)
    // Few different numbers, so that windows have equal ones.
    let x = noise(batch * height * width * channels).map { ($0 * 3).rounded() }
    let gradient = noise(batch * tall * wide * channels, seed: 2)
    var (maxima, positions, spread) = ([Float](), [UInt8](), [Float](repeating: 0, count: x.count))
    for index in 0..<gradient.count {
      let (c, column) = (index % channels, index / channels % wide)
      let (row, example) = (index / channels / wide % tall, index / channels / wide / tall)
      let elements = (0..<window * window).map { k in
        ((example * height + row * window + k / window) * width + column * window + k % window) * channels + c
      }
      // The first of the largest.
      let best = elements.indices.reduce(0) { x[elements[$1]] > x[elements[$0]] ? $1 : $0 }
      maxima.append(x[elements[best]])
      positions.append(UInt8(best))
      spread[elements[best]] = gradient[index]
    }
    var pool = kernels_max_pool(
      batch: Int64(batch), height: Int64(height), width: Int64(width), channels: Int64(channels), window: Int64(window))
    var (result, indices, back) = (Written<Float>(maxima.count), Written<UInt8>(maxima.count, untouched: 99), Written<Float>(x.count))
    kernels.max_pool(&pool, x, &result.memory, &indices.memory)
    kernels.max_pool_gradient(&pool, gradient, positions, &back.memory)
    return result.faults(exactly: maxima) + indices.faults(exactly: positions) + back.faults(exactly: spread)
  }
}

// MARK: Random numbers

let randomCases: [KernelCase] = {
  // The published answers of philox4x32-10 (Random123's kat_vectors): counter, key, words.
  let answers: [(counter: [UInt32], key: [UInt32], words: [UInt32])] = [
    ([0, 0, 0, 0], [0, 0], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
    (
      [.max, .max, .max, .max], [.max, .max],
      [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
    ),
    (
      [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0],
      [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    ),
  ]
  return answers.map { answer in
    KernelCase("philox, a published answer, \(answer.words[0])") { kernels in
      var words = Written<UInt32>(4, untouched: 7)
      kernels.philox(answer.key, answer.counter, 1, &words.memory)
      return words.faults(exactly: answer.words)
    }
  } + [
    KernelCase("philox, blocks that pass the end of the first word") { kernels in
      let (first, count) = (UInt32.max - 20, 71)
      var words = Written<UInt32>(4 * count, untouched: 7)
      kernels.philox([12, 34], [first, 2, 3, 4], Int64(count), &words.memory)
      let philox = Philox(key: 34 << 32 | 12)
      return words.faults(
        exactly: (0..<count).flatMap { block in
          let words = philox.block([first &+ UInt32(block), 2, 3, 4])
          return [words[0], words[1], words[2], words[3]]
        })
    }
  ]
}()
