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
    // The mean and 1 / deviation of each row, for the way back.
    let statistics = lowering.makeBuffer(bytes: 2 * Int(rows) * 4)
    lowering.save(statistics, of: node)
    let operands: [Lowering.Operand] = [
      .buffer(lowering.value(lowering.input(node))), .weight(weight), .weight(bias), .buffer(lowering.makeValue(node)), .buffer(statistics),
    ]
    lowering.emit(label, operands) { [epsilon] pointers, _ in
      kernels.layer_norm(pointers[0], pointers[1], pointers[2], epsilon, pointers[3], pointers[4], rows, columns)
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.gradient(node), let statistics = lowering.saved(of: node) else { return }
    let (rows, columns) = extent(node, lowering)
    let input = lowering.input(node)
    let sources: [Lowering.Operand] = [.buffer(gradient), .buffer(lowering.value(input)), .buffer(statistics)]
    if lowering.requiresWeightGradients {
      lowering.emitGradients(of: parameters) { lowering, destinations in
        lowering.emit(label + " to weights", sources + destinations) { pointers, _ in
          kernels.layer_norm_weights(pointers[0], pointers[1], pointers[2], pointers[3], pointers[4], rows, columns)
        }
      }
    }
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    lowering.emit(label + " to input", sources + [.weight(weight), .buffer(result)]) { pointers, _ in
      kernels.layer_norm_gradient(pointers[0], pointers[1], pointers[2], pointers[3], pointers[4], rows, columns)
    }
    lowering.contribute(result, to: input)
  }

  private func extent(_ node: Graph.NodeID, _ lowering: Lowering) -> (rows: Int64, columns: Int64) {
    let shape = lowering.shape(node)
    let columns = shape.dimensions.last ?? 1
    return (Int64(lowering.batch * shape.count / max(columns, 1)), Int64(columns))
  }
}
