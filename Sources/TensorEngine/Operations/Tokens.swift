/// An image as tokens: first one for the whole image, then one for each pixel, each plus its position embedding (Dosovitskiy et al. 2021,
/// arXiv:2010.11929): `[height, width, channels]` → `[1 + height · width, channels]`.
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
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let (whole, positions) = (Lowering.Operand.weight(whole), Lowering.Operand.weight(positions))
    lowering.emit(label, [.buffer(source), whole, positions, .buffer(result)]) { memory, _ in
      let (whole, positions) = (memory[whole], memory[positions])
      for example in 0..<examples {
        let (image, tokens) = (memory[source] + example * (count - width), memory[result] + example * count)
        for c in 0..<width { tokens[c] = whole[c] + positions[c] }
        for i in width..<count { tokens[i] = image[i - width] + positions[i] }
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard let gradient = lowering.summedGradient(at: node) else { return }
    let (examples, count, width) = extent(node, lowering)
    if lowering.requiresWeightGradients {
      lowering.emitGradients(of: parameters) { lowering, destination in
        let (toWhole, toPositions) = (destination(whole), destination(positions))
        lowering.emit(label + " to weights", [.buffer(gradient), toWhole, toPositions]) { memory, _ in
          let (whole, positions) = (memory[toWhole], memory[toPositions])
          positions.update(from: memory[gradient], count: count)
          for example in 1..<max(examples, 1) {
            let tokens = memory[gradient] + example * count
            for i in 0..<count { positions[i] += tokens[i] }
          }
          whole.update(from: positions, count: width)
        }
      }
    }
    let input = lowering.input(node)
    guard lowering.requiresGradient(input) else { return }
    let result = lowering.makeBuffer(like: input)
    lowering.emit(label + " to input", reads: [gradient], writes: [result]) { memory, _ in
      let (tokens, image) = (memory[gradient], memory[result])
      for example in 0..<examples {
        (image + example * (count - width)).update(from: tokens + example * count + width, count: count - width)
      }
    }
    lowering.contribute(result, to: input)
  }

  /// The examples of a micro-batch, the floats of all tokens of one, and of one token.
  private func extent(_ node: Graph.NodeID, _ lowering: Lowering) -> (examples: Int, count: Int, width: Int) {
    (lowering.batch, lowering.shape(node).count, lowering.shape(node)[1])
  }
}
