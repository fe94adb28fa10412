/// Normalises each channel, `[height, width, channels]` or `[features]` (Ioffe and Szegedy 2015, arXiv:1502.03167), as PyTorch's
/// `BatchNorm2d`: in training by mean and variance of the whole batch, otherwise by their running averages.
package struct BatchNorm: Operation {
  package let label = "batch_norm"
  /// Each `[channels]`; the running statistics are not trained.
  package let weight, bias, mean, variance: ParameterID
  package let epsilon: Float
  /// The part of the running statistics that a batch replaces.
  package let momentum: Float

  package init(
    weight: ParameterID, bias: ParameterID, mean: ParameterID, variance: ParameterID, epsilon: Float = 1e-5, momentum: Float = 0.1
  ) {
    self.weight = weight
    self.bias = bias
    self.mean = mean
    self.variance = variance
    self.epsilon = epsilon
    self.momentum = momentum
  }

  package var parameters: [ParameterID] { [weight, bias, mean, variance] }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard [1, 3].contains(inputs[0].rank) else { throw GraphError("batch norm needs an image or features, not \(inputs[0])") }
    return inputs[0]
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    // The layer before it has it in its weights; see `Lowering.foldedBatchNorm(after:)`.
    if lowering.isFused(node) { return lowering.passThrough(node) }
    let usesBatch = lowering.purpose.contains(.batchStatistics)
    let coefficients =
      usesBatch
      ? batchCoefficients(node, &lowering) : runningCoefficients(channels: lowering.shape(node).dimensions.last ?? 1, &lowering)
    lowering.save(coefficients: coefficients, of: node)
    let clamp = lowering.clamp(after: node)
    if let clamp { lowering.fuse(clamp.node, into: node) }
    let mask = clamp.flatMap { lowering.makeActivationMask(of: $0.node) }
    if let clamp { lowering.save(maskBitsOut: mask, of: clamp.node) }
    let epilogue = Epilogue(clamp: clamp?.range ?? -.infinity ... .infinity, maskBitsOut: mask)
    emitScale(node, by: coefficients, epilogue, to: lowering.makeValue(node), &lowering)
    // Its own backward pass needs its input, so that is kept anyway. The output is one cheap pass over the input: it is rematerialised.
    guard usesBatch || lowering.requiresWeightGradients else { return }
    lowering.rematerialise(node) { lowering in
      let again = lowering.makeBuffer(like: node)
      emitScale(node, by: coefficients, epilogue, to: again, &lowering)
      return again
    }
  }

  /// y = factor · x + shift, where `coefficients` begin with the factors and the shifts.
  private func emitScale(
    _ node: Graph.NodeID, by coefficients: Lowering.Operand, _ epilogue: Epilogue, to result: Lowering.BufferID, _ lowering: inout Lowering
  ) {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let source = lowering.value(lowering.input(node))
    lowering.emit(label, [.buffer(source), coefficients, .buffer(result)], epilogue) { memory, epilogue, _ in
      let (factors, shifts) = (memory[coefficients], memory[coefficients] + rows.channels)
      var shifted = epilogue.pointee
      shifted.bias = UnsafePointer(shifts)
      rows.scale(memory[source], by: factors, &shifted, to: memory[result])
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    let input = lowering.input(node)
    // The layer before it takes the gradient back through the folded weights.
    if lowering.isFused(node) { return lowering.contribute(gradient, to: input) }
    guard let coefficients = lowering.savedCoefficients(of: node) else { return }
    if lowering.purpose.contains(.batchStatistics) { return backwardThroughBatch(node, gradient, coefficients, &lowering) }
    let rows = Rows(lowering.shape(node), lowering.batch)
    if lowering.requiresWeightGradients { emitWeightGradients(node, gradient, coefficients, &lowering) }
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    lowering.emit(
      label + " to input", [.buffer(gradient), coefficients, .buffer(result)], lowering.takeEpilogue(forGradientAt: input)
    ) { memory, epilogue, _ in rows.scale(memory[gradient], by: memory[coefficients], epilogue, to: memory[result]) }
    lowering.contribute(result, to: input)
  }

  // MARK: Running statistics

  /// The gradients of weight and bias where the running statistics are constants: Σ dy · x̂ and Σ dy.
  private func emitWeightGradients(
    _ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ coefficients: Lowering.Operand, _ lowering: inout Lowering
  ) {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let channels = rows.channels
    let source = lowering.value(lowering.input(node))
    let sums = Lowering.Operand.buffer(lowering.makeBuffer(bytes: 2 * channels * MemoryLayout<Double>.size))
    lowering.emitGradients(of: [weight, bias]) { lowering, destination in
      let (toWeight, toBias) = (destination(weight), destination(bias))
      let operands: [Lowering.Operand] = [.buffer(gradient), .buffer(source), coefficients, sums, toWeight, toBias]
      lowering.emit("batch norm to weights", operands) { memory, pass in
        let moments = Moments(memory[sums], channels)
        rows.sums(of: memory[gradient], with: memory[source], memory[coefficients] + 2 * channels, examples: pass.batch, to: moments)
        for c in 0..<channels {
          memory[toWeight][c] = Float(moments.second[c])
          memory[toBias][c] = Float(moments.first[c])
        }
      }
    }
  }

  /// `[2, channels]`: factor and shift of y = factor · x + shift, from the running statistics. Where gradients of weights are computed
  /// `[4, channels]`: then mean and 1 / deviation.
  private func runningCoefficients(channels: Int, _ lowering: inout Lowering) -> Lowering.Operand {
    let (weight, bias) = (Lowering.Operand.weight(weight), Lowering.Operand.weight(bias))
    let (mean, variance) = (Lowering.Operand.weight(mean), Lowering.Operand.weight(variance))
    let sources = [weight, bias, mean, variance]
    let isWhole = lowering.requiresWeightGradients
    let bytes = (isWhole ? 4 : 2) * channels * 4
    return lowering.packWeights("batch norm coefficients", from: sources, bytes: bytes) { [epsilon] memory, coefficients in
      for c in 0..<channels {
        let deviation = (Double(memory[variance][c]) + Double(epsilon)).squareRoot()
        let factor = Float(Double(memory[weight][c]) / deviation)
        coefficients[c] = factor
        coefficients[channels + c] = memory[bias][c] - memory[mean][c] * factor
        guard isWhole else { continue }
        coefficients[2 * channels + c] = memory[mean][c]
        coefficients[3 * channels + c] = Float(1 / deviation)
      }
    }
  }

  /// The weights `[filters, …]` and the bias of the layer before it, multiplied by the factors and moved by the shifts.
  func folded(
    into weights: Lowering.Operand, _ bias: Lowering.Operand?, like shape: Shape, _ lowering: inout Lowering
  ) -> (weights: Lowering.Operand, bias: Lowering.Operand?) {
    let (filters, count) = (shape[0], shape.count / shape[0])
    let coefficients = runningCoefficients(channels: filters, &lowering)
    let scaled = lowering.packWeights("fold", from: [weights, coefficients], bytes: shape.count * 4) { memory, scaled in
      let (source, factors) = (memory[weights], memory[coefficients])
      for filter in 0..<filters {
        let factor = factors[filter]
        for i in filter * count..<(filter + 1) * count { scaled[i] = source[i] * factor }
      }
    }
    let shift = lowering.packWeights("fold", from: [coefficients] + (bias.map { [$0] } ?? []), bytes: filters * 4) { memory, shift in
      let (factors, shifts) = (memory[coefficients], memory[coefficients] + filters)
      let bias = bias.map { memory[$0] }
      for c in 0..<filters { shift[c] = shifts[c] + (bias.map { $0[c] * factors[c] } ?? 0) }
    }
    return (scaled, shift)
  }

  // MARK: Statistics of the batch

  /// `[4, channels]`: factor and shift of y = factor · x + shift, then mean and 1 / deviation. A reduction over all shards computes them.
  private func batchCoefficients(_ node: Graph.NodeID, _ lowering: inout Lowering) -> Lowering.Operand {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let channels = rows.channels
    let source = lowering.value(lowering.input(node))
    let partial = lowering.makeBuffer(bytes: 2 * channels * MemoryLayout<Double>.size)
    lowering.emit("batch statistics", reads: [source], writes: [partial]) { memory, pass in
      rows.moments(of: memory[source], examples: pass.batch, to: Moments(memory[partial], channels))
    }
    let result = lowering.makeShared(bytes: 4 * channels * 4)
    let updatesRunning = lowering.purpose.contains(.weightGradients)
    let operands = [result] + [weight, bias, mean, variance].map(Lowering.Operand.weight)
    lowering.emit(
      "batch statistics",
      Lowering.Reduction(partial: partial, operands: operands, extent: channels) { partials, memory, range in
        let batch = Moments.combineStatistics(partials, channels, rowsOfExample: rows.count, range)
        write(batch, channels, to: memory[result], memory, range)
        if updatesRunning { updateRunning(batch, memory, range) }
      })
    return result
  }

  private func write(
    _ batch: Moments.Statistics, _ channels: Int, to result: UnsafeMutablePointer<Float>, _ memory: BoundOperands, _ range: Range<Int>
  ) {
    let (weights, biases) = (memory[.weight(weight)], memory[.weight(bias)])
    for c in range {
      let inverse = 1 / (batch.squares[c] / batch.count + Double(epsilon)).squareRoot()
      let factor = Double(weights[c]) * inverse
      result[c] = Float(factor)
      result[channels + c] = Float(Double(biases[c]) - batch.means[c] * factor)
      result[2 * channels + c] = Float(batch.means[c])
      result[3 * channels + c] = Float(inverse)
    }
  }

  private func updateRunning(_ batch: Moments.Statistics, _ memory: BoundOperands, _ range: Range<Int>) {
    let (means, variances) = (memory[.weight(mean)], memory[.weight(variance)])
    for c in range {
      // The running variance is the unbiased one, as in PyTorch.
      let unbiased = batch.squares[c] / max(batch.count - 1, 1)
      means[c] += momentum * (Float(batch.means[c]) - means[c])
      variances[c] += momentum * (Float(unbiased) - variances[c])
    }
  }

  /// dx = factor · (dy − mean(dy) − x̂ · mean(dy · x̂)), with means over the batch. Σ dy · x̂ and Σ dy are the gradients of weight and bias.
  private func backwardThroughBatch(
    _ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ coefficients: Lowering.Operand, _ lowering: inout Lowering
  ) {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let channels = rows.channels
    let input = lowering.input(node)
    let source = lowering.value(input)
    let partial = lowering.makeBuffer(bytes: 2 * channels * MemoryLayout<Double>.size)
    let sums = [.buffer(gradient), .buffer(source), coefficients, .buffer(partial)] as [Lowering.Operand]
    lowering.emit("batch norm to weights", sums) { memory, pass in
      let statistics = memory[coefficients] + 2 * channels
      rows.sums(
        of: memory[gradient], with: memory[source], statistics, examples: pass.batch, to: Moments(memory[partial], channels))
    }
    let means = emitGradientMeans(partial, rows, &lowering)
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    let operands: [Lowering.Operand] = [.buffer(gradient), .buffer(source), coefficients, means, .buffer(result)]
    lowering.emit("batch norm to input", operands) { memory, pass in
      rows.centre(
        memory[gradient], with: memory[source], memory[coefficients], memory[means], examples: pass.batch, to: memory[result])
    }
    lowering.contribute(result, to: input)
  }

  /// Combines Σ dy and Σ dy · x̂ of all shards: into their means `[2, channels]`, the result, and into the gradients of bias and weight.
  private func emitGradientMeans(_ partial: Lowering.BufferID, _ rows: Rows, _ lowering: inout Lowering) -> Lowering.Operand {
    let channels = rows.channels
    let means = lowering.makeShared(bytes: 2 * channels * 4)
    let (toWeight, toBias) = (Lowering.Operand.gradient(weight), Lowering.Operand.gradient(bias))
    let requiresWeightGradients = lowering.requiresWeightGradients
    lowering.emit(
      "batch norm to input",
      Lowering.Reduction(
        partial: partial, operands: [means] + (requiresWeightGradients ? [toWeight, toBias] : []), extent: channels
      ) { partials, memory, range in
        let count = Double(rows.count * partials.reduce(0) { $0 + $1.batch })
        let sums = Moments.sum(partials, channels, range)
        let gradients = requiresWeightGradients ? (weight: memory[toWeight], bias: memory[toBias]) : nil
        for c in range {
          memory[means][c] = Float(sums.first[c] / count)
          memory[means][channels + c] = Float(sums.second[c] / count)
          gradients?.weight[c] = Float(sums.second[c])
          gradients?.bias[c] = Float(sums.first[c])
        }
      })
    return means
  }
}
