/// A weight tensor as a value, the same for each example: a position embedding before it is added, the factors of a layer scale.
package struct WeightValue: Operation {
  package let label = "weight"
  package let weight: ParameterID
  package let shape: Shape
  /// Whether it is learnt; otherwise it is a constant that is kept with the weights.
  package let isTrained: Bool

  package init(_ weight: ParameterID, shape: Shape, isTrained: Bool = true) {
    self.weight = weight
    self.shape = shape
    self.isTrained = isTrained
  }

  package var parameters: [ParameterID] { [weight] }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs.isEmpty else { throw GraphError("a weight reads no other value") }
    return shape
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (result, weight) = (lowering.makeValue(node), Lowering.Operand.weight(weight))
    let (examples, count) = (lowering.batch, shape.count)
    lowering.emit(label, [weight, .buffer(result)]) { memory, _ in
      for example in 0..<examples { (memory[result] + example * count).update(from: memory[weight], count: count) }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard isTrained, lowering.requiresWeightGradients, let gradient = lowering.summedGradient(at: node) else { return }
    let (examples, count) = (lowering.batch, shape.count)
    lowering.emitGradients(of: parameters) { lowering, destination in
      let sum = destination(weight)
      lowering.emit(label + " to weights", [.buffer(gradient), sum]) { memory, _ in
        let (total, gradients) = (memory[sum], memory[gradient])
        total.update(from: gradients, count: count)
        for example in 1..<max(examples, 1) {
          for i in 0..<count { total[i] += gradients[example * count + i] }
        }
      }
    }
  }
}
