/// max(x, 0), or min(max(x, 0), ceiling), element by element.
package struct ReLU: Operation {
  package let label: String
  package let range: ClosedRange<Float>

  /// - Parameter ceiling: 6 for ReLU6.
  package init(ceiling: Float = .infinity) {
    label = ceiling == 6 ? "relu6" : "relu"
    range = 0...max(ceiling, 0)
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .byValue(FrozenReLU(self)) }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    // The kernel before it has clamped its result; see `Lowering.clamp(after:)`.
    guard !lowering.isFused(node) else { return lowering.passThrough(node) }
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label, reads: [source], writes: [result]) { [range] memory, _ in
      let (source, result) = (memory[source], memory[result])
      for i in 0..<count { result[i] = min(max(source[i], range.lowerBound), range.upperBound) }
    }
  }

  /// The gradient passes where the output is strictly inside the range: at its ends it is 0, as in PyTorch.
  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    // The kernel after it has masked the gradient; see `Lowering.takeEpilogue(forGradientAt:)`.
    guard !lowering.isMasked(node) else { return lowering.contribute(gradient, to: input) }
    let result = lowering.makeBuffer(like: input)
    lowering.emitMask(
      label + " to input", gradient, by: Epilogue.Clamped(value: lowering.value(node), range: range), like: node, to: result)
    lowering.contribute(result, to: input)
  }
}
