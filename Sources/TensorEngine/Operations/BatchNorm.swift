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
    if lowering.isFused(node) { return lowering.passThrough(node) }
    let coefficients =
      lowering.purpose.contains(.batchStatistics) ? batchCoefficients(node, &lowering) : runningCoefficients(node, &lowering)
    lowering.save(coefficients: coefficients, of: node)
    let clamp = lowering.clamp(after: node)
    if let clamp { lowering.fuse(clamp.node, into: node) }
    let mask = clamp.flatMap { lowering.makeActivationMask(of: $0.node) }
    if let clamp { lowering.save(activationMask: mask, of: clamp.node) }
    let finish = Finish(clamp: clamp?.range ?? -.infinity ... .infinity, activationMask: mask)
    emitScale(node, by: coefficients, finish, to: lowering.makeValue(node), &lowering)
    // Its input stays for its own way back; what it makes of it is soon made again.
    guard lowering.purpose.contains(.batchStatistics) else { return }
    lowering.rematerialise(node) { lowering in
      let again = lowering.makeBuffer(like: node)
      emitScale(node, by: coefficients, finish, to: again, &lowering)
      return again
    }
  }

  private func emitScale(
    _ node: Graph.NodeID, by coefficients: Lowering.Operand, _ finish: Finish, to result: Lowering.BufferID, _ lowering: inout Lowering
  ) {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let source = lowering.value(lowering.input(node))
    lowering.emit(label, [.buffer(source), coefficients, .buffer(result)], finish) { pointers, finish in
      var shifted = finish.pointee
      shifted.bias = UnsafePointer(pointers[1] + rows.channels)
      rows.scale(pointers[0], by: pointers[1], &shifted, to: pointers[2])
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.gradient(node) else { return }
    let input = lowering.input(node)
    if lowering.isFused(node) { return lowering.contribute(gradient, to: input) }
    guard let coefficients = lowering.savedCoefficients(of: node) else { return }
    if lowering.purpose.contains(.batchStatistics) { return backwardThroughBatch(node, gradient, coefficients, &lowering) }
    let rows = Rows(lowering.shape(node), lowering.batch)
    let result = lowering.makeBuffer(like: input)
    lowering.emit(
      label + " to input", [.buffer(gradient), coefficients, .buffer(result)], lowering.finish(ofGradientAt: input)
    ) { pointers, finish in rows.scale(pointers[0], by: pointers[1], finish, to: pointers[2]) }
    lowering.contribute(result, to: input)
  }

  // MARK: Running statistics

  /// y = factor · x + shift, `[2, channels]`: what the running statistics come to.
  private func runningCoefficients(_ node: Graph.NodeID, _ lowering: inout Lowering) -> Lowering.Operand {
    coefficients(channels: Rows(lowering.shape(node), lowering.batch).channels, &lowering)
  }

  private func coefficients(channels: Int, _ lowering: inout Lowering) -> Lowering.Operand {
    let sources = [weight, bias, mean, variance].map(Lowering.Operand.weight)
    return lowering.packWeights("batch norm coefficients", sources, bytes: 2 * channels * 4) { [epsilon] pointers, _ in
      for c in 0..<channels {
        let factor = Float(Double(pointers[0][c]) / (Double(pointers[3][c]) + Double(epsilon)).squareRoot())
        pointers[4][c] = factor
        pointers[4][channels + c] = pointers[1][c] - pointers[2][c] * factor
      }
    }
  }

  /// The weights `[filters, …]` and the bias of the layer before it, with the running statistics worked into them.
  func folded(
    into weights: Lowering.Operand, _ bias: Lowering.Operand?, like shape: Shape, _ lowering: inout Lowering
  ) -> (weights: Lowering.Operand, bias: Lowering.Operand?) {
    let (filters, count) = (shape[0], shape.count / shape[0])
    let coefficients = coefficients(channels: filters, &lowering)
    let scaled = lowering.packWeights("fold", [weights, coefficients], bytes: shape.count * 4) { pointers, _ in
      for filter in 0..<filters {
        let factor = pointers[1][filter]
        for i in filter * count..<(filter + 1) * count { pointers[2][i] = pointers[0][i] * factor }
      }
    }
    let shift = lowering.packWeights("fold", [coefficients] + (bias.map { [$0] } ?? []), bytes: filters * 4) { pointers, _ in
      let (coefficients, result) = (pointers[0], pointers[pointers.count - 1])
      for c in 0..<filters { result[c] = coefficients[filters + c] + (pointers.count == 3 ? pointers[1][c] * coefficients[c] : 0) }
    }
    return (scaled, shift)
  }

  // MARK: Statistics of the batch

  /// `[4, channels]`: factor and shift of y = factor · x + shift, then mean and 1/deviation; known when all shards have met.
  private func batchCoefficients(_ node: Graph.NodeID, _ lowering: inout Lowering) -> Lowering.Operand {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let channels = rows.channels
    let source = lowering.value(lowering.input(node))
    let partial = lowering.makeBuffer(bytes: 2 * channels * MemoryLayout<Double>.size)
    lowering.emit("batch statistics", reads: [source], writes: [partial]) { pointers, call in
      rows.moments(of: pointers[0], examples: call.batch, to: Moments(pointers[1], channels))
    }
    let result = lowering.makeShared(bytes: 4 * channels * 4)
    let updates = lowering.purpose.contains(.weightGradients)
    let operands = [result] + [weight, bias, mean, variance].map(Lowering.Operand.weight)
    lowering.emit(
      "batch statistics",
      Lowering.Reduction(partial: partial, operands: operands, extent: channels) { [epsilon, momentum] partials, pointers, part in
        let all = Moments.combined(partials, channels, rowsOfExample: rows.count)
        for c in part {
          let variance = all.squares[c] / all.count
          let inverse = 1 / (variance + Double(epsilon)).squareRoot()
          let factor = Double(pointers[1][c]) * inverse
          pointers[0][c] = Float(factor)
          pointers[0][channels + c] = Float(Double(pointers[2][c]) - all.means[c] * factor)
          pointers[0][2 * channels + c] = Float(all.means[c])
          pointers[0][3 * channels + c] = Float(inverse)
          guard updates else { continue }
          // The running variance is the unbiased one, as in PyTorch.
          let unbiased = all.squares[c] / max(all.count - 1, 1)
          pointers[3][c] += momentum * (Float(all.means[c]) - pointers[3][c])
          pointers[4][c] += momentum * (Float(unbiased) - pointers[4][c])
        }
      })
    return result
  }

  /// dx = factor · (dy − mean(dy) − x̂ · mean(dy · x̂)), the means over the batch; Σ dy · x̂ and Σ dy are the gradients of weight and bias.
  private func backwardThroughBatch(
    _ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ coefficients: Lowering.Operand, _ lowering: inout Lowering
  ) {
    let rows = Rows(lowering.shape(node), lowering.batch)
    let channels = rows.channels
    let input = lowering.input(node)
    let source = lowering.value(input)
    let partial = lowering.makeBuffer(bytes: 2 * channels * MemoryLayout<Double>.size)
    let sums = [.buffer(gradient), .buffer(source), coefficients, .buffer(partial)] as [Lowering.Operand]
    lowering.emit("batch norm to weights", sums) { pointers, call in
      rows.sums(of: pointers[0], with: pointers[1], pointers[2] + 2 * channels, examples: call.batch, to: Moments(pointers[3], channels))
    }
    let means = lowering.makeShared(bytes: 2 * channels * 4)
    let own: [Lowering.Operand] = lowering.requiresWeightGradients ? [.gradient(weight), .gradient(bias)] : []
    lowering.emit(
      "batch norm to input",
      Lowering.Reduction(partial: partial, operands: [means] + own, extent: channels) { partials, pointers, part in
        let count = Double(rows.count * partials.reduce(0) { $0 + $1.batch })
        for c in part {
          let first = partials.reduce(0) { $0 + Moments($1.pointer, channels).first[c] }
          let second = partials.reduce(0) { $0 + Moments($1.pointer, channels).second[c] }
          pointers[0][c] = Float(first / count)
          pointers[0][channels + c] = Float(second / count)
          guard pointers.count == 3 else { continue }
          pointers[1][c] = Float(second)
          pointers[2][c] = Float(first)
        }
      })
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    let operands: [Lowering.Operand] = [.buffer(gradient), .buffer(source), coefficients, means, .buffer(result)]
    lowering.emit("batch norm to input", operands) { pointers, call in
      rows.centre(pointers[0], with: pointers[1], pointers[2], pointers[3], examples: call.batch, to: pointers[4])
    }
    lowering.contribute(result, to: input)
  }
}
