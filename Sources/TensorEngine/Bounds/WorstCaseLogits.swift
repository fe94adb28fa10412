/// The last linear layer of a network, folded into the question: upper bounds of z_k − z_y = (W_k − W_y) x + b_k − b_y over an interval,
/// where y is the class of the example. For k = y it is 0. So the cross-entropy of these values is an upper bound of that of every image in
/// the box, and an example whose other values are all below 0 is certified.
struct WorstCaseLogits: Operation {
  let label = "worst case"
  let weight: ParameterID
  let bias: ParameterID?
  let units: Int
  /// Whether the bounds hold for the network as it is computed in single precision.
  let allowsForRounding: Bool

  init(_ last: Dense, allowsForRounding: Bool) {
    weight = last.weight
    bias = last.bias
    units = last.units
    self.allowsForRounding = allowsForRounding
  }

  var parameters: [ParameterID] { [weight] + (bias.map { [$0] } ?? []) }

  /// Inputs: centre and radius of the features.
  func outputShape(of inputs: [Shape]) throws -> Shape { [units] }

  func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { 4 * inputs[0].count * units }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let inputs = (0..<2).map { lowering.value(lowering.input(node, $0)) }
    let result = lowering.makeValue(node)
    let (weight, bias) = (Lowering.Operand.weight(weight), bias.map(Lowering.Operand.weight))
    let (batch, units, features) = (lowering.batch, units, lowering.shape(lowering.input(node)).count)
    let share = allowsForRounding ? Double(Rounding.share(terms: features)) : 0
    let operands = (inputs + [result]).map(Lowering.Operand.buffer) + [weight] + (bias.map { [$0] } ?? [])
    lowering.emit(label, operands) { memory, pass in
      (memory[result]).update(repeating: 0, count: batch * units)
      Self.forEachLabel(pass, batch) { row, label in
        let (centre, radius) = (memory[inputs[0]] + row * features, memory[inputs[1]] + row * features)
        let own = memory[weight] + label * features
        let biases = bias.map { memory[$0] }
        let to = memory[result] + row * units
        for k in 0..<units where k != label {
          let other = memory[weight] + k * features
          let (ofOther, ofOwn) = (Double(biases?[k] ?? 0), Double(biases?[label] ?? 0))
          let bound = ofOther - ofOwn + Self.bound(other, own, centre, radius, features)
          guard share > 0 else {
            to[k] = Float(bound)
            continue
          }
          let rounding = share * (abs(ofOther) + abs(ofOwn) + Self.size(other, own, centre, radius, features))
          to[k] = Float(bound + rounding).nextUp
        }
      }
    }
  }

  /// Calls `body` for each real example with its row and its class.
  private static func forEachLabel(_ pass: PassFacts, _ batch: Int, _ body: (_ row: Int, _ label: Int) -> Void) {
    guard let labels = pass.bounds?.labels else { preconditionFailure("bounds need the class of each example: begin the pass with them") }
    for row in 0..<pass.examples(of: batch) { body(row, labels[pass.microBatch * batch + row]) }
  }

  private typealias Lanes = SIMD8<Float>

  /// Σ d c + |d| r with d = W_k − W_y; eight sums side by side, each of few terms, and then in double precision.
  private static func bound(
    _ other: UnsafePointer<Float>, _ own: UnsafePointer<Float>, _ centre: UnsafePointer<Float>, _ radius: UnsafePointer<Float>, _ count: Int
  ) -> Double {
    var sum = SIMD8<Double>.zero
    let whole = count / 8 * 8
    for i in stride(from: 0, to: whole, by: 8) {
      let d = SIMD8<Double>(load(other + i)) - SIMD8<Double>(load(own + i))
      sum += d * SIMD8<Double>(load(centre + i)) + d.replacing(with: -d, where: d .< 0) * SIMD8<Double>(load(radius + i))
    }
    var rest = sum.sum()
    for i in whole..<count {
      let d = Double(other[i]) - Double(own[i])
      rest += d * Double(centre[i]) + abs(d) * Double(radius[i])
    }
    return rest
  }

  private static func load(_ at: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(at).loadUnaligned(as: Lanes.self)
  }

  /// Σ (|W_k| + |W_y|) (|c| + r)
  private static func size(
    _ other: UnsafePointer<Float>, _ own: UnsafePointer<Float>, _ centre: UnsafePointer<Float>, _ radius: UnsafePointer<Float>, _ count: Int
  ) -> Double {
    var sum = 0.0
    for i in 0..<count { sum += (abs(Double(other[i])) + abs(Double(own[i]))) * (abs(Double(centre[i])) + Double(radius[i])) }
    return sum
  }

  // MARK: Gradients

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    if lowering.requiresWeightGradients { emitWeightGradients(node, gradient, &lowering) }
    let nodes = (lowering.input(node, 0), lowering.input(node, 1))
    guard lowering.requiresGradient(nodes.0), lowering.requiresGradient(nodes.1) else { return }
    let (toCentre, toRadius) = (lowering.makeBuffer(like: nodes.0), lowering.makeBuffer(like: nodes.1))
    let weight = Lowering.Operand.weight(weight)
    let (batch, units, features) = (lowering.batch, units, lowering.shape(nodes.0).count)
    lowering.emit(label + " to input", [gradient, toCentre, toRadius].map(Lowering.Operand.buffer) + [weight]) { memory, pass in
      memory[toCentre].update(repeating: 0, count: batch * features)
      memory[toRadius].update(repeating: 0, count: batch * features)
      Self.forEachLabel(pass, batch) { row, label in
        let (toCentre, toRadius) = (memory[toCentre] + row * features, memory[toRadius] + row * features)
        let own = memory[weight] + label * features
        for k in 0..<units where k != label {
          let (other, g) = (memory[weight] + k * features, memory[gradient][row * units + k])
          for i in 0..<features {
            let d = other[i] - own[i]
            toCentre[i] += g * d
            toRadius[i] += g * abs(d)
          }
        }
      }
    }
    lowering.contribute(toCentre, to: nodes.0)
    lowering.contribute(toRadius, to: nodes.1)
  }

  /// For the row of class k: Σ g_k (c + sign(W_k − W_y) r), and the same with the other sign for the row of y.
  private func emitWeightGradients(_ node: Graph.NodeID, _ gradient: Lowering.BufferID, _ lowering: inout Lowering) {
    let inputs = (0..<2).map { lowering.value(lowering.input(node, $0)) }
    let (batch, units, features) = (lowering.batch, units, lowering.shape(lowering.input(node)).count)
    let weight = Lowering.Operand.weight(weight)
    lowering.emitGradients(of: parameters) { lowering, destination in
      let (toWeight, toBias) = (destination(self.weight), bias.map(destination))
      let operands = ([gradient] + inputs).map(Lowering.Operand.buffer) + [weight, toWeight] + (toBias.map { [$0] } ?? [])
      lowering.emit(label + " to weights", operands) { memory, pass in
        memory[toWeight].update(repeating: 0, count: units * features)
        let biases = toBias.map { memory[$0] }
        biases?.update(repeating: 0, count: units)
        Self.forEachLabel(pass, batch) { row, label in
          let (centre, radius) = (memory[inputs[0]] + row * features, memory[inputs[1]] + row * features)
          let (own, toOwn) = (memory[weight] + label * features, memory[toWeight] + label * features)
          for k in 0..<units where k != label {
            let (other, toOther, g) = (memory[weight] + k * features, memory[toWeight] + k * features, memory[gradient][row * units + k])
            for i in 0..<features {
              let d = other[i] - own[i]
              let end = d > 0 ? centre[i] + radius[i] : d < 0 ? centre[i] - radius[i] : centre[i]
              toOther[i] += g * end
              toOwn[i] -= g * end
            }
            biases?[k] += g
            biases?[label] -= g
          }
        }
      }
    }
  }
}
