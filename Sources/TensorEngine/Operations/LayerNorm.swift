import CKernels

/// Brings each token, `[tokens, width]`, or a row of features to mean 0 and variance 1, then times a weight and plus a bias (Ba et al.
/// 2016, arXiv:1607.06450), as PyTorch's `LayerNorm` over the last dimension.
package struct LayerNorm: Operation {
  package let label = "layer_norm"
  /// Each `[width]`.
  package let weight, bias: ParameterID
  package let epsilon: Float

  package init(weight: ParameterID, bias: ParameterID, epsilon: Float = 1e-5) {
    self.weight = weight
    self.bias = bias
    self.epsilon = epsilon
  }

  package var parameters: [ParameterID] { [weight, bias] }
  package func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (rows, columns) = extent(node, lowering)
    // The mean and 1 / deviation of each row, for the backward pass.
    let statistics = lowering.makeBuffer(bytes: 2 * Int(rows) * 4)
    lowering.save(statistics, of: node)
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let (weight, bias) = (Lowering.Operand.weight(weight), Lowering.Operand.weight(bias))
    lowering.emit(label, [.buffer(source), weight, bias, .buffer(result), .buffer(statistics)]) { [epsilon] memory, _ in
      kernels.layer_norm(
        memory[source], memory[weight], memory[bias], epsilon, memory[result], memory[statistics], rows, columns)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node), let statistics = lowering.saved(of: node) else { return }
    let (rows, columns) = extent(node, lowering)
    let input = lowering.input(node)
    let source = lowering.value(input)
    let sources = [gradient, source, statistics].map(Lowering.Operand.buffer)
    if lowering.requiresWeightGradients {
      lowering.emitGradients(of: parameters) { lowering, destination in
        let (toWeight, toBias) = (destination(weight), destination(bias))
        lowering.emit(label + " to weights", sources + [toWeight, toBias]) { memory, _ in
          kernels.layer_norm_weights(
            memory[gradient], memory[source], memory[statistics], memory[toWeight], memory[toBias], rows, columns)
        }
      }
    }
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    let factors = Lowering.Operand.weight(weight)
    lowering.emit(label + " to input", sources + [factors, .buffer(result)]) { memory, _ in
      kernels.layer_norm_gradient(
        memory[gradient], memory[source], memory[statistics], memory[factors], memory[result], rows, columns)
    }
    lowering.contribute(result, to: input)
  }

  private func extent(_ node: Graph.NodeID, _ lowering: Lowering) -> (rows: Int64, columns: Int64) {
    let shape = lowering.shape(node)
    let columns = shape.dimensions.last ?? 1
    return (Int64(lowering.batch * shape.count / max(columns, 1)), Int64(columns))
  }
}
