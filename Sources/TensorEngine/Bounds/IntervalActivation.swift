import CKernels

/// A smooth activation of an interval. GELU and SiLU fall to one minimum and rise from there, so the larger end is one of the two ends', and
/// the smaller one the minimum where it lies between them.
struct IntervalActivation: PairOperation {
  let kind: Activation.Kind
  /// For rounding: what the bounds get more, relative and absolute.
  let share: Float
  var label: String { "interval \(kind.rawValue)" }

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  /// Where the function is least, and its value there.
  private var minimum: (at: Float, value: Float) {
    switch kind {
    case .gelu: (-0.751_791_5, -0.169_971_2)
    case .silu: (-1.278_464_5, -0.278_464_55)
    }
  }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (first, second) = (lowering.makeValue(node), lowering.makeSecondValue(node))
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(label, reads: [centre, radius], writes: [first, second]) { [kernel, minimum, share] memory, _ in
      let (centre, radius, first, second) = (memory[centre], memory[radius], memory[first], memory[second])
      for i in 0..<count {
        let (low, high) = (centre[i] - radius[i], centre[i] + radius[i])
        first[i] = low
        second[i] = high
      }
      kernels.activate(kernel, first, first, Int64(count))
      kernels.activate(kernel, second, second, Int64(count))
      for i in 0..<count {
        let isBetween = centre[i] - radius[i] < minimum.at && centre[i] + radius[i] > minimum.at
        let low = isBetween ? minimum.value : min(first[i], second[i])
        let high = max(first[i], second[i])
        first[i] = 0.5 * (low + high)
        second[i] = 0.5 * (high - low) + share * (1 + max(abs(low), abs(high)))
      }
    }
  }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard requiresGradient(before: node, lowering), let gradients = gradients(at: node, &lowering) else { return }
    let (centre, radius) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let (toCentre, toRadius) = (lowering.makeBuffer(like: node), lowering.makeBuffer(like: node))
    let (lows, highs) = (lowering.makeBuffer(like: node), lowering.makeBuffer(like: node))
    let count = lowering.batch * lowering.shape(node).count
    lowering.emit(
      label + " to input", reads: [gradients.first, gradients.second, centre, radius], writes: [toCentre, toRadius, lows, highs]
    ) { [kernel, minimum] memory, _ in
      let (middle, half) = (memory[gradients.first], memory[gradients.second])
      let (centre, radius, toCentre, toRadius) = (memory[centre], memory[radius], memory[toCentre], memory[toRadius])
      let (lows, highs) = (memory[lows], memory[highs])
      for i in 0..<count {
        lows[i] = centre[i] - radius[i]
        highs[i] = centre[i] + radius[i]
      }
      kernels.activate(kernel, lows, toCentre, Int64(count))
      kernels.activate(kernel, highs, toRadius, Int64(count))
      // The gradient that each end of the input gets, before the derivative at it.
      for i in 0..<count {
        let (ofLow, ofHigh) = (0.5 * (middle[i] - half[i]), 0.5 * (middle[i] + half[i]))
        let isBetween = lows[i] < minimum.at && highs[i] > minimum.at
        let isFalling = toCentre[i] > toRadius[i]
        let least: Float = isBetween ? 0 : ofLow
        toCentre[i] = isFalling ? ofHigh : least
        toRadius[i] = isFalling ? least : ofHigh
      }
      kernels.activate_gradient(kernel, toCentre, lows, toCentre, Int64(count))
      kernels.activate_gradient(kernel, toRadius, highs, toRadius, Int64(count))
      for i in 0..<count {
        let (toLow, toHigh) = (toCentre[i], toRadius[i])
        toCentre[i] = toLow + toHigh
        toRadius[i] = toHigh - toLow
      }
    }
    contribute(toCentre, toRadius, at: node, &lowering)
  }

  private var kernel: kernels_activation {
    switch kind {
    case .gelu: KERNELS_GELU
    case .silu: KERNELS_SILU
    }
  }
}
