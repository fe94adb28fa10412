/// What a ReLU did to its own value, done to another one: that passes where the ReLU's value is strictly inside its range, and elsewhere is
/// the end of the range. It reads the other value and the ReLU's.
struct FrozenReLU: Operation {
  let label: String
  let range: ClosedRange<Float>

  init(_ relu: ReLU) {
    label = "frozen " + relu.label
    range = relu.range
  }

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (moved, original) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let result = lowering.makeValue(node)
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label, reads: [moved, original], writes: [result]) { [range] memory, _ in
      let (moved, original, result) = (memory[moved], memory[original], memory[result])
      for i in 0..<count {
        let isInside = original[i] > range.lowerBound && original[i] < range.upperBound
        result[i] = isInside ? moved[i] : original[i]
      }
    }
  }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let result = lowering.makeBuffer(like: input)
    let clamped = Epilogue.Clamped(value: lowering.value(lowering.input(node, 1)), range: range)
    lowering.emitMask(label + " to input", gradient, by: clamped, like: node, to: result)
    lowering.contribute(result, to: input)
  }
}
