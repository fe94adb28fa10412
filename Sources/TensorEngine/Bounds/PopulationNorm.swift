/// Batch norm of an interval by its running statistics, y = f x + s: (c, r) → (f c + s, |f| r). A gradient reaches weight and bias too; the
/// statistics are those of the passes of images.
struct PopulationNorm: PairOperation {
  let label = "interval batch norm"
  let norm: BatchNorm
  /// For rounding: the part of each term that the radius gets more.
  let share: Float

  var parameters: [ParameterID] { [norm.weight, norm.bias, norm.mean, norm.variance] }

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (first, second) = (lowering.makeValue(node), lowering.makeSecondValue(node))
    let channels = lowering.shape(node).dimensions.last ?? 1
    let rows = lowering.batch * lowering.shape(node).count / channels
    let coefficients = coefficients(channels, &lowering)
    lowering.save(coefficients: coefficients, of: node)
    let operands = [centre, radius, first, second].map(Lowering.Operand.buffer) + [coefficients]
    lowering.emit(label, operands) { [share] memory, _ in
      let (factors, shifts, slack) = Self.parts(memory[coefficients], channels)
      for row in 0..<rows {
        let at = row * channels
        let (centre, radius) = (memory[centre] + at, memory[radius] + at)
        let (first, second) = (memory[first] + at, memory[second] + at)
        for c in 0..<channels {
          let size = abs(factors[c])
          first[c] = factors[c] * centre[c] + shifts[c]
          second[c] = size * (radius[c] + share * (abs(centre[c]) + radius[c])) + slack[c]
        }
      }
    }
  }

  /// `[3, channels]`: factor, shift, and what rounding the shift may do.
  private func coefficients(_ channels: Int, _ lowering: inout Lowering) -> Lowering.Operand {
    let names = [norm.weight, norm.bias, norm.mean, norm.variance].map(Lowering.Operand.weight)
    return lowering.packWeights("batch norm coefficients", from: names, bytes: 3 * channels * 4) {
      [epsilon = norm.epsilon, share] memory, to in
      let (weight, bias, mean, variance) = (memory[names[0]], memory[names[1]], memory[names[2]], memory[names[3]])
      for c in 0..<channels {
        to[c] = Float(Double(weight[c]) / (Double(variance[c]) + Double(epsilon)).squareRoot())
        to[channels + c] = bias[c] - mean[c] * to[c]
        to[2 * channels + c] = share * (abs(bias[c]) + abs(mean[c] * to[c]))
      }
    }
  }

  private static func parts(_ coefficients: UnsafeMutablePointer<Float>, _ channels: Int) -> (
    factors: UnsafeMutablePointer<Float>, shifts: UnsafeMutablePointer<Float>, slack: UnsafeMutablePointer<Float>
  ) { (coefficients, coefficients + channels, coefficients + 2 * channels) }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradients = gradients(at: node, &lowering), let coefficients = lowering.savedCoefficients(of: node) else { return }
    let channels = lowering.shape(node).dimensions.last ?? 1
    let rows = lowering.batch * lowering.shape(node).count / channels
    if lowering.requiresWeightGradients { emitWeightGradients(node, gradients, rows: rows, channels: channels, &lowering) }
    guard requiresGradient(before: node, lowering) else { return }
    let (toCentre, toRadius) = (lowering.makeBuffer(like: node), lowering.makeBuffer(like: node))
    let operands = [gradients.first, gradients.second, toCentre, toRadius].map(Lowering.Operand.buffer) + [coefficients]
    lowering.emit(label + " to input", operands) { memory, _ in
      let factors = memory[coefficients]
      for row in 0..<rows {
        let at = row * channels
        let (first, second) = (memory[gradients.first] + at, memory[gradients.second] + at)
        let (toCentre, toRadius) = (memory[toCentre] + at, memory[toRadius] + at)
        for c in 0..<channels {
          toCentre[c] = factors[c] * first[c]
          toRadius[c] = abs(factors[c]) * second[c]
        }
      }
    }
    contribute(toCentre, toRadius, at: node, &lowering)
  }

  /// With 1/σ the inverse deviation: Σ gc (c − mean) / σ + sign(weight) Σ gr r / σ for the weight, Σ gc for the bias.
  private func emitWeightGradients(
    _ node: Graph.NodeID, _ gradients: (first: Lowering.BufferID, second: Lowering.BufferID), rows: Int, channels: Int,
    _ lowering: inout Lowering
  ) {
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (weight, mean, variance) = (
      Lowering.Operand.weight(norm.weight), Lowering.Operand.weight(norm.mean), Lowering.Operand.weight(norm.variance)
    )
    let scratch = lowering.makeBuffer(bytes: 3 * channels * MemoryLayout<Double>.size)
    let buffers = [gradients.first, gradients.second, centre, radius, scratch].map(Lowering.Operand.buffer)
    lowering.emitGradients(of: [norm.weight, norm.bias]) { lowering, destination in
      let (toWeight, toBias) = (destination(norm.weight), destination(norm.bias))
      lowering.emit(label + " to weights", buffers + [weight, mean, variance, toWeight, toBias]) { [epsilon = norm.epsilon] memory, _ in
        let sums = UnsafeMutableRawPointer(memory[scratch]).assumingMemoryBound(to: Double.self)
        sums.update(repeating: 0, count: 3 * channels)
        for row in 0..<rows {
          let at = row * channels
          let (first, second) = (memory[gradients.first] + at, memory[gradients.second] + at)
          let (centre, radius) = (memory[centre] + at, memory[radius] + at)
          for c in 0..<channels {
            sums[c] += Double(first[c])
            sums[channels + c] += Double(first[c]) * Double(centre[c] - memory[mean][c])
            sums[2 * channels + c] += Double(second[c]) * Double(radius[c])
          }
        }
        for c in 0..<channels {
          let inverse = 1 / (Double(memory[variance][c]) + Double(epsilon)).squareRoot()
          let sign = memory[weight][c] > 0 ? 1.0 : memory[weight][c] < 0 ? -1 : 0
          memory[toWeight][c] = Float(inverse * (sums[channels + c] + sign * sums[2 * channels + c]))
          memory[toBias][c] = Float(sums[c])
        }
      }
    }
  }
}
