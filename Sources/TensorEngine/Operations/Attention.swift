import CKernels

/// Each token looks at all others, head by head: softmax(Q Kᵀ / √width) V (Vaswani et al. 2017, arXiv:1706.03762).
///
/// The input holds queries, keys and values side by side, `[tokens, 3 · heads · width]`; the output is `[tokens, heads · width]`.
package struct Attention: Operation {
  package let label = "attention"
  package let heads: Int

  package init(heads: Int) { self.heads = heads }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank == 2 else { throw GraphError("attention needs tokens [tokens, features], not \(inputs[0])") }
    guard heads > 0, inputs[0][1] % (3 * heads) == 0 else {
      throw GraphError("attention with \(heads) heads needs queries, keys and values of a multiple of it, not \(inputs[0][1]) features")
    }
    return [inputs[0][0], inputs[0][1] / 3]
  }

  /// Two products of matrices for each head.
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 4 * output[0] * output.count }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let shape = shape(node, lowering)
    let probabilities = lowering.makeBuffer(bytes: Int(shape.batch * shape.heads * shape.tokens * shape.tokens) * 4)
    lowering.save(probabilities, of: node)
    let source = lowering.value(lowering.input(node))
    let (result, scratch) = (lowering.makeValue(node), scratch(shape, &lowering))
    lowering.emit(label, reads: [source], writes: [result, probabilities, scratch]) { memory, _ in
      withUnsafePointer(to: shape) {
        kernels.attention($0, memory[source], memory[result], memory[probabilities], memory[scratch])
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node), let probabilities = lowering.saved(of: node)
    else {
      return
    }
    let shape = shape(node, lowering)
    let (source, result) = (lowering.value(input), lowering.makeBuffer(like: input))
    let scratch = scratch(shape, &lowering)
    lowering.emit(label + " to input", reads: [gradient, source, probabilities], writes: [result, scratch]) { memory, _ in
      withUnsafePointer(to: shape) {
        kernels.attention_gradient($0, memory[gradient], memory[source], memory[probabilities], memory[result], memory[scratch])
      }
    }
    lowering.contribute(result, to: input)
  }

  private func shape(_ node: Graph.NodeID, _ lowering: Lowering) -> kernels_attention {
    let tokens = lowering.shape(node)
    return kernels_attention(
      batch: Int64(lowering.batch), tokens: Int64(tokens[0]), heads: Int64(heads), width: Int64(tokens[1] / heads))
  }

  private func scratch(_ shape: kernels_attention, _ lowering: inout Lowering) -> Lowering.BufferID {
    lowering.makeBuffer(bytes: withUnsafePointer(to: shape) { kernels.attention_scratch_count($0) } * 4)
  }
}
