/// A ReLU of an interval: both ends are clamped. (c, r) → centre and radius of [clamp(c − r), clamp(c + r)].
struct ClampedInterval: PairOperation {
  let label = "interval relu"
  let range: ClosedRange<Float>
  /// Its number among the ReLUs of the network, by which the regulariser knows it.
  let layer: Int

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (first, second) = (lowering.makeValue(node), lowering.makeSecondValue(node))
    let count = lowering.batch * lowering.shape(node).count
    let (floor, ceiling) = (range.lowerBound, range.upperBound)
    lowering.emit(label, reads: [centre, radius], writes: [first, second]) { memory, _ in
      let (centre, radius, first, second) = (memory[centre], memory[radius], memory[first], memory[second])
      for i in 0..<count {
        let low = min(max(centre[i] - radius[i], floor), ceiling)
        let high = min(max(centre[i] + radius[i], floor), ceiling)
        first[i] = 0.5 * (low + high)
        second[i] = 0.5 * (high - low)
      }
    }
  }

  /// An end passes its gradient where it is strictly inside the range, as in `ReLU`. What the regulariser says of this layer is added in the
  /// same pass over memory.
  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard requiresGradient(before: node, lowering), let gradients = gradients(at: node, &lowering) else { return }
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (toCentre, toRadius) = (lowering.makeBuffer(like: node), lowering.makeBuffer(like: node))
    let penalty = lowering.penalty
    let stride = lowering.shape(node).count
    let count = lowering.batch * stride
    let (floor, ceiling) = (range.lowerBound, range.upperBound)
    let buffers = [gradients.first, gradients.second, centre, radius, toCentre, toRadius].map(Lowering.Operand.buffer)
    lowering.emit(label + " to input", buffers + (penalty.map { [$0] } ?? [])) { [layer] memory, pass in
      let (middle, half) = (memory[gradients.first], memory[gradients.second])
      let (centre, radius) = (memory[centre], memory[radius])
      let (toCentre, toRadius) = (memory[toCentre], memory[toRadius])
      for i in 0..<count {
        let (low, high) = (centre[i] - radius[i], centre[i] + radius[i])
        let toLow = low > floor && low < ceiling ? 0.5 * (middle[i] - half[i]) : 0
        let toHigh = high > floor && high < ceiling ? 0.5 * (middle[i] + half[i]) : 0
        toCentre[i] = toLow + toHigh
        toRadius[i] = toHigh - toLow
      }
      guard let penalty, (pass.bounds?.regularization ?? 0) > 0 else { return }
      let slope = BoundRegularizer.Slope(memory[penalty], layer: layer)
      slope.add(centre, radius, count: pass.batch * stride, toCentre: toCentre, toRadius: toRadius)
    }
    contribute(toCentre, toRadius, at: node, &lowering)
  }
}
