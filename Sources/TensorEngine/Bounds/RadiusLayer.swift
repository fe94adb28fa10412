/// Of a layer with weights that takes the radius of an interval and not a value: |W| r instead of W x + b.
package struct RadiusLayer: Hashable, Sendable {
  /// The part of |b| that is added, for the rounding of the bias in the layer itself.
  let biasShare: Float
}

extension Lowering {
  /// |W|, packed once after each change of the weights.
  mutating func packAbsolute(_ parameter: ParameterID, times factor: Float = 1) -> Operand {
    let (weight, count) = (Operand.weight(parameter), graph.parameterShape(parameter).count)
    return packWeights("absolute", from: [weight], bytes: count * 4) { memory, absolute in
      let weight = memory[weight]
      for i in 0..<count { absolute[i] = abs(weight[i]) * factor }
    }
  }

  /// Emits `destination = sign(weight) · gradient`: the gradient of |W| taken to W.
  mutating func emitSigned(_ label: String, _ gradient: BufferID, _ parameter: ParameterID, to destination: Operand) {
    let (weight, count) = (Operand.weight(parameter), graph.parameterShape(parameter).count)
    emit(label, [.buffer(gradient), weight, destination]) { memory, _ in
      let (gradient, weight, result) = (memory[gradient], memory[weight], memory[destination])
      for i in 0..<count { result[i] = weight[i] > 0 ? gradient[i] : weight[i] < 0 ? -gradient[i] : 0 }
    }
  }
}
