/// Two values combined element by element, each repeated along the dimensions that it has once, as NumPy does.
package struct Arithmetic: Operation {
  package enum Kind: String, CaseIterable, Sendable {
    case add, subtract, multiply, divide
  }

  package let kind: Kind
  package var label: String { kind.rawValue }

  package init(_ kind: Kind) { self.kind = kind }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs.count == 2, let shape = inputs[0].broadcast(with: inputs[1]) else {
      throw GraphError("\(inputs.map(\.description).joined(separator: " and ")) cannot be combined element by element")
    }
    return shape
  }

  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { output.count }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let pair = Pair(node, lowering)
    let (left, right) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let result = lowering.makeValue(node)
    switch kind {
    case .add: pair.emit(label, left, right, to: result, &lowering) { $0 + $1 }
    case .subtract: pair.emit(label, left, right, to: result, &lowering) { $0 - $1 }
    case .multiply: pair.emit(label, left, right, to: result, &lowering) { $0 * $1 }
    case .divide: pair.emit(label, left, right, to: result, &lowering) { $0 / $1 }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    let pair = Pair(node, lowering)
    let (left, right) = (lowering.input(node, 0), lowering.input(node, 1))
    // The derivatives are at whole elements of the output, and are then summed over the repetitions of each input.
    if lowering.requiresGradient(left) {
      let whole = lowering.makeBuffer(like: node)
      switch kind {
      case .add, .subtract: pair.contribute(gradient, to: left, of: node, label, &lowering)
      case .multiply:
        pair.beside(right).emit(label + " to input", gradient, lowering.value(right), to: whole, &lowering) { $0 * $1 }
        pair.contribute(whole, to: left, of: node, label, &lowering)
      case .divide:
        pair.beside(right).emit(label + " to input", gradient, lowering.value(right), to: whole, &lowering) { $0 / $1 }
        pair.contribute(whole, to: left, of: node, label, &lowering)
      }
    }
    if lowering.requiresGradient(right) {
      let whole = lowering.makeBuffer(like: node)
      switch kind {
      case .add: pair.contribute(gradient, to: right, of: node, label, &lowering)
      case .subtract:
        pair.alone.emit(label + " to input", gradient, gradient, to: whole, &lowering) { value, _ in -value }
        pair.contribute(whole, to: right, of: node, label, &lowering)
      case .multiply:
        pair.beside(left).emit(label + " to input", gradient, lowering.value(left), to: whole, &lowering) { $0 * $1 }
        pair.contribute(whole, to: right, of: node, label, &lowering)
      case .divide:
        // d(a / b) / db = −(a / b) / b
        let quotient = lowering.makeBuffer(like: node)
        pair.alone.emit(label + " to input", gradient, lowering.value(node), to: quotient, &lowering) { -$0 * $1 }
        pair.beside(right).emit(label + " to input", quotient, lowering.value(right), to: whole, &lowering) { $0 / $1 }
        pair.contribute(whole, to: right, of: node, label, &lowering)
      }
    }
  }
}

/// The shapes of two values and of what is made of them.
private struct Pair {
  let left, right, output: Shape

  init(left: Shape, right: Shape, output: Shape) {
    self.left = left
    self.right = right
    self.output = output
  }

  init(_ node: Graph.NodeID, _ lowering: Lowering) {
    self.init(left: lowering.shape(lowering.input(node, 0)), right: lowering.shape(lowering.input(node, 1)), output: lowering.shape(node))
    (inputs.left, inputs.right) = (lowering.input(node, 0), lowering.input(node, 1))
  }

  private var inputs: (left: Graph.NodeID?, right: Graph.NodeID?) = (nil, nil)

  /// The gradient of the output with the value of an input.
  func beside(_ input: Graph.NodeID) -> Pair { Pair(left: output, right: input == inputs.left ? left : right, output: output) }
  /// Two values of the output's shape.
  var alone: Pair { Pair(left: output, right: output, output: output) }

  func emit(
    _ label: String, _ first: Lowering.BufferID, _ second: Lowering.BufferID, to result: Lowering.BufferID, _ lowering: inout Lowering,
    _ combine: @escaping @Sendable (Float, Float) -> Float
  ) {
    let loop = StridedLoop(
      output.dimensions, left.strides(repeatedTo: output), right.strides(repeatedTo: output), output.strides)
    let (examples, counts) = (lowering.batch, (left.count, right.count, output.count))
    lowering.emit(label, reads: first == second ? [first] : [first, second], writes: [result]) { memory, _ in
      let row = loop.row
      for example in 0..<examples {
        let (a, b) = (memory[first] + example * counts.0, memory[second] + example * counts.1)
        let c = memory[result] + example * counts.2
        loop.forEachRow { i, j, k in
          if row.first == 1, row.second == 1, row.third == 1 {
            for n in 0..<row.count { c[k + n] = combine(a[i + n], b[j + n]) }
          } else {
            for n in 0..<row.count { c[k + n * row.third] = combine(a[i + n * row.first], b[j + n * row.second]) }
          }
        }
      }
    }
  }

  /// Sums a gradient of the output's shape over the repetitions of an input.
  func contribute(
    _ whole: Lowering.BufferID, to input: Graph.NodeID, of node: Graph.NodeID, _ label: String, _ lowering: inout Lowering
  ) {
    let shape = lowering.shape(input)
    guard shape.count != output.count else { return lowering.contribute(whole, to: input) }
    let result = lowering.makeBuffer(like: input)
    Expand(to: output).map(shape, output).backwards.emit(label + " to input", whole, to: result, &lowering)
    lowering.contribute(result, to: input)
  }
}
