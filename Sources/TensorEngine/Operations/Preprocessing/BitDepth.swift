/// Rounds each pixel of [0, 1] to one of 2^bits evenly spaced values, the colour depth reduction of Xu et al. 2018, arXiv:1704.01155.
///
/// Its own gradient is zero almost everywhere, so that the gradient passes as through the identity (BPDA; Athalye et al. 2018,
/// arXiv:1802.00420).
package struct BitDepth: Operation {
  package let label = "bit_depth"
  /// 1 to 8.
  package let bits: Int

  package init(bits: Int) { self.bits = bits }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard (1...8).contains(bits) else { throw GraphError("bit depth takes from 1 to 8 bits, not \(bits)") }
    return inputs[0]
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 3 * output.count }

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .unknown }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let count = lowering.batch * lowering.shape(node).count
    let steps = Float(1 << bits - 1)
    lowering.emit(label, reads: [source], writes: [result]) { memory, _ in
      let (source, result) = (memory[source], memory[result])
      for i in 0..<count { result[i] = (source[i] * steps).rounded(.toNearestOrEven) / steps }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) { lowering.passGradientThrough(node) }
}

extension Lowering {
  /// The gradient at the input of `node` is that at its output, as if it changed nothing.
  mutating func passGradientThrough(_ node: Graph.NodeID) {
    let input = input(node)
    guard requiresGradient(input), let gradient = summedGradient(at: node) else { return }
    contribute(gradient, to: input)
  }
}
