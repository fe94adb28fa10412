import CKernels
import Foundation

// MARK: Batch norm and layer norm

let normalisationCases: [KernelCase] = [(1, 1), (33, 5), (100, 16), (70, 67)].flatMap { rows, columns in
  let matrix = Normalised(rows: rows, columns: columns)
  return [
    KernelCase("batch norm moments, \(rows)×\(columns)", faults: matrix.momentFaults),
    KernelCase("batch norm gradient moments, \(rows)×\(columns)", faults: matrix.gradientMomentFaults),
    KernelCase("batch norm gradient, \(rows)×\(columns)", faults: matrix.batchNormGradientFaults),
    KernelCase("layer norm, \(rows)×\(columns)", faults: matrix.layerNormFaults),
    KernelCase("layer norm gradient, \(rows)×\(columns)", faults: matrix.layerNormGradientFaults),
    KernelCase("layer norm weights, \(rows)×\(columns)", faults: matrix.layerNormWeightFaults),
  ]
}

/// A matrix, and what normalisations need of it.
private struct Normalised: Sendable {
  let rows: Int, columns: Int
  let x: [Float], dy: [Float], weight: [Float], bias: [Float]

  init(rows: Int, columns: Int) {
    (self.rows, self.columns) = (rows, columns)
    // A mean far from 0, where a sum of squares would cancel.
    x = noise(rows * columns).enumerated().map { $0.element + Float($0.offset % columns % 3) * 8 }
    (dy, weight, bias) = (noise(rows * columns, seed: 2), noise(columns, seed: 3), noise(columns, seed: 4))
  }

  private func column(_ c: Int, of values: [Float]) -> [Double] { (0..<rows).map { Double(values[$0 * columns + c]) } }
  private func row(_ r: Int, of values: [Float]) -> [Double] { values[r * columns..<(r + 1) * columns].map(Double.init) }

  // Batch norm is given its statistics as floats.
  private var means: [Float] { (0..<columns).map { Float(column($0, of: x).mean) } }
  private var inverses: [Float] { (0..<columns).map { Float(1 / (column($0, of: x).variance + 1e-2).squareRoot()) } }

  @Sendable func momentFaults(_ kernels: kernels_table) -> [String] {
    var (means, squares) = (Written<Double>(columns), Written<Double>(columns))
    kernels.moments(x, Int64(rows), Int64(columns), &means.memory, &squares.memory)
    return means.faults((0..<columns).map { column($0, of: x).mean }, within: 1e-7)
      + squares.faults((0..<columns).map { column($0, of: x).variance * Double(rows) }, within: 1e-6)
  }

  @Sendable func gradientMomentFaults(_ kernels: kernels_table) -> [String] {
    var (sums, products) = (Written<Double>(columns), Written<Double>(columns))
    kernels.gradient_moments(dy, x, means + inverses, Int64(rows), Int64(columns), &sums.memory, &products.memory)
    let (means, inverses) = (means.map(Double.init), inverses.map(Double.init))
    return sums.faults((0..<columns).map { column($0, of: dy).sum }, within: 1e-5)
      + products.faults(
        (0..<columns).map { c in zip(column(c, of: dy), column(c, of: x)).map { $0 * ($1 - means[c]) * inverses[c] }.sum }, within: 1e-5)
  }

  @Sendable func batchNormGradientFaults(_ kernels: kernels_table) -> [String] {
    let (means, inverses) = (means, inverses)
    let gradientMeans = noise(2 * columns, seed: 5)
    var dx = Written<Float>(rows * columns)
    let shifts = [Float](repeating: .nan, count: columns)
    kernels.batch_norm_gradient(dy, x, weight + shifts + means + inverses, gradientMeans, &dx.memory, Int64(rows), Int64(columns))
    return dx.faults(
      (0..<rows * columns).map { index in
        let c = index % columns
        let normal = (Double(x[index]) - Double(means[c])) * Double(inverses[c])
        return Double(weight[c]) * (Double(dy[index]) - Double(gradientMeans[c]) - normal * Double(gradientMeans[columns + c]))
      }, within: 1e-5)
  }

  @Sendable func layerNormFaults(_ kernels: kernels_table) -> [String] {
    var (y, statistics) = (Written<Float>(rows * columns), Written<Float>(2 * rows))
    kernels.layer_norm(x, weight, bias, 1e-2, &y.memory, &statistics.memory, Int64(rows), Int64(columns))
    return y.faults(
      (0..<rows).flatMap { r in row(r, of: x).normalised.enumerated().map { $1 * Double(weight[$0]) + Double(bias[$0]) } }, within: 1e-5)
      + statistics.faults(exactStatistics, within: 1e-5)
  }

  /// The mean and the inverse deviation of each row.
  private var exactStatistics: [Double] { (0..<rows).flatMap { [row($0, of: x).mean, row($0, of: x).inverseDeviation] } }

  @Sendable func layerNormGradientFaults(_ kernels: kernels_table) -> [String] {
    var dx = Written<Float>(rows * columns)
    kernels.layer_norm_gradient(dy, x, exactStatistics.map(Float.init), weight, &dx.memory, Int64(rows), Int64(columns))
    return dx.faults(
      (0..<rows).flatMap { r in
        let (normal, inverse) = (row(r, of: x).normalised, row(r, of: x).inverseDeviation)
        let slopes = zip(row(r, of: dy), weight).map { $0 * Double($1) }
        let along = zip(slopes, normal).map { $0 * $1 }.mean
        return zip(slopes, normal).map { inverse * ($0 - slopes.mean - $1 * along) }
      }, within: 1e-5)
  }

  @Sendable func layerNormWeightFaults(_ kernels: kernels_table) -> [String] {
    var (weights, biases) = (Written<Float>(columns), Written<Float>(columns))
    kernels.layer_norm_weights(
      dy, x, exactStatistics.map(Float.init), &weights.memory, &biases.memory, Int64(rows), Int64(columns))
    let normal = (0..<rows).map { row($0, of: x).normalised }
    return weights.faults((0..<columns).map { c in (0..<rows).map { Double(dy[$0 * columns + c]) * normal[$0][c] }.sum }, within: 1e-5)
      + biases.faults((0..<columns).map { column($0, of: dy).sum }, within: 1e-5)
  }
}

extension [Double] {
  fileprivate var sum: Double { reduce(0, +) }
  fileprivate var mean: Double { sum / Double(count) }
  fileprivate var variance: Double { map { ($0 - mean) * ($0 - mean) }.mean }
  fileprivate var inverseDeviation: Double { 1 / (variance + 1e-2).squareRoot() }
  fileprivate var normalised: [Double] { map { ($0 - mean) * inverseDeviation } }
}

// MARK: Attention

let attentionCases: [KernelCase] = [(1, 1, 1, 1), (2, 5, 2, 3), (1, 17, 3, 16), (2, 33, 1, 20)].flatMap { batch, tokens, heads, width in
  let heads = AttentionHeads(batch: batch, tokens: tokens, heads: heads, width: width)
  return [
    KernelCase("attention, \(heads.description)", faults: heads.forwardFaults),
    KernelCase("attention gradient, \(heads.description)", faults: heads.gradientFaults),
  ]
}

private struct AttentionHeads: Sendable {
  let batch: Int, tokens: Int, heads: Int, width: Int

  var description: String { "\(batch)×\(tokens)×\(heads)×\(width)" }
  private var shape: kernels_attention {
    kernels_attention(batch: Int64(batch), tokens: Int64(tokens), heads: Int64(heads), width: Int64(width))
  }
  private var source: [Float] { noise(batch * tokens * 3 * heads * width).map { 2 * $0 } }
  private var gradient: [Float] { noise(batch * tokens * heads * width, seed: 2) }

  /// Where queries (0), keys (1) or values (2) are.
  private func index(_ example: Int, _ token: Int, _ part: Int, _ head: Int, _ i: Int) -> Int {
    (((example * tokens + token) * 3 + part) * heads + head) * width + i
  }

  /// The probabilities, `[batch, heads, tokens, tokens]`, and the results.
  private func reference(_ x: [Double]) -> (probabilities: [Double], results: [Double]) {
    var (probabilities, results) = ([Double](), [Double](repeating: 0, count: batch * tokens * heads * width))
    for example in 0..<batch {
      for head in 0..<heads {
        for t in 0..<tokens {
          let scores = (0..<tokens).map { u in
            (0..<width).map { x[index(example, t, 0, head, $0)] * x[index(example, u, 1, head, $0)] }.sum / Double(width).squareRoot()
          }
          let powers = scores.map { exp($0) }
          let weights = powers.map { $0 / powers.sum }
          probabilities += weights
          for i in 0..<width {
            results[((example * tokens + t) * heads + head) * width + i] =
              (0..<tokens).map { weights[$0] * x[index(example, $0, 2, head, i)] }.sum
          }
        }
      }
    }
    return (probabilities, results)
  }

  @Sendable func forwardFaults(_ kernels: kernels_table) -> [String] {
    var shape = shape
    let reference = reference(source.map(Double.init))
    var (result, probabilities) = (Written<Float>(reference.results.count), Written<Float>(reference.probabilities.count))
    var scratch = [Float](repeating: 0, count: kernels.attention_scratch_count(&shape))
    kernels.attention(&shape, source, &result.memory, &probabilities.memory, &scratch)
    return result.faults(reference.results, within: 2e-6) + probabilities.faults(reference.probabilities, within: 2e-6)
  }

  /// Against central differences of Σ result · gradient, for some of the source's numbers.
  @Sendable func gradientFaults(_ kernels: kernels_table) -> [String] {
    var shape = shape
    let x = source.map(Double.init)
    let probabilities = reference(x).probabilities.map(Float.init)
    var result = Written<Float>(x.count)
    var scratch = [Float](repeating: 0, count: kernels.attention_scratch_count(&shape))
    kernels.attention_gradient(&shape, gradient, source, probabilities, &result.memory, &scratch)
    let step = max(1, x.count / 23)
    return stride(from: 0, to: x.count, by: step).compactMap { place in
      func loss(_ change: Double) -> Double {
        var x = x
        x[place] += change
        return zip(reference(x).results, gradient).map { $0 * Double($1) }.sum
      }
      let slope = (loss(1e-4) - loss(-1e-4)) / 2e-4
      return abs(Double(result.memory[place]) - slope) <= 1e-5 ? nil : "\(place) is \(result.memory[place]), not \(slope)"
    } + result.faults(result.values.map { Double($0) }, within: 0)
  }
}
