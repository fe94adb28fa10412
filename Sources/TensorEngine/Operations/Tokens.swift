/// An image as tokens, one for each pixel after one that stands for the whole image, each plus what says where it is (Dosovitskiy et al.
/// 2021, arXiv:2010.11929): `[height, width, channels]` → `[1 + height · width, channels]`.
package struct Tokens: Operation {
  package let label = "tokens"
  /// `[1, 1, channels]`: the token of the whole image.
  package let whole: ParameterID
  /// `[1, 1 + height · width, channels]`
  package let positions: ParameterID

  package init(whole: ParameterID, positions: ParameterID) {
    self.whole = whole
    self.positions = positions
  }

  package var parameters: [ParameterID] { [whole, positions] }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    guard inputs[0].rank == 3 else { throw GraphError("tokens are made of an image [height, width, channels], not of \(inputs[0])") }
    return [1 + inputs[0][0] * inputs[0][1], inputs[0][2]]
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (examples, count, width) = extent(node, lowering)
    let source = Lowering.Operand.buffer(lowering.value(lowering.input(node)))
    lowering.emit(label, [source, .weight(whole), .weight(positions), .buffer(lowering.makeValue(node))]) { pointers, _ in
      let (whole, positions) = (pointers[1], pointers[2])
      for example in 0..<examples {
        let (image, tokens) = (pointers[0] + example * (count - width), pointers[3] + example * count)
        for c in 0..<width { tokens[c] = whole[c] + positions[c] }
        for i in width..<count { tokens[i] = image[i - width] + positions[i] }
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.gradient(node) else { return }
    let (examples, count, width) = extent(node, lowering)
    if lowering.requiresWeightGradients {
      lowering.emitGradients(of: parameters) { lowering, destinations in
        lowering.emit(label + " to weights", [.buffer(gradient)] + destinations) { pointers, _ in
          let (whole, positions) = (pointers[1], pointers[2])
          positions.update(from: pointers[0], count: count)
          for example in 1..<max(examples, 1) {
            let tokens = pointers[0] + example * count
            for i in 0..<count { positions[i] += tokens[i] }
          }
          whole.update(from: positions, count: width)
        }
      }
    }
    let input = lowering.input(node)
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    lowering.emit(label + " to input", reads: [gradient], writes: [result]) { pointers, _ in
      for example in 0..<examples {
        (pointers[1] + example * (count - width)).update(from: pointers[0] + example * count + width, count: count - width)
      }
    }
    lowering.contribute(result, to: input)
  }

  /// The examples that pass at once, the floats of all tokens of one, and of one token.
  private func extent(_ node: Graph.NodeID, _ lowering: Lowering) -> (examples: Int, count: Int, width: Int) {
    (lowering.batch, lowering.shape(node).count, lowering.shape(node)[1])
  }
}
