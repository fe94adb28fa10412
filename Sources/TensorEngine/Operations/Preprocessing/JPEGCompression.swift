/// Compresses an image as JPEG of a quality and decompresses it again (Dziugaite et al. 2016, arXiv:1608.00853; Guo et al. 2018,
/// arXiv:1711.00117, have it as a defence).
///
/// The gradient passes straight through every rounding (BPDA; Athalye et al. 2018, arXiv:1802.00420). What is left is linear, and undone by
/// the decoder: change of colours, repeated edges, and a transform whose inverse is its adjoint. So the gradient is that of the identity,
/// and nothing is computed. Where a decoded value is clipped it passes too: most dark images would have none there otherwise.
package struct JPEGCompression: Operation {
  package let label = "jpeg"
  /// 1 to 100.
  package let quality: Int

  package init(quality: Int) { self.quality = quality }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    try requireImage(inputs[0])
    guard [1, 3].contains(inputs[0][2]) else { throw GraphError("jpeg takes images of 1 or 3 channels, not of \(inputs[0][2])") }
    guard (1...100).contains(quality) else { throw GraphError("jpeg takes a quality from 1 to 100, not \(quality)") }
    return inputs[0]
  }

  /// The transform and its inverse, each two products of 8×8; colours and roundings are about twenty operations a value.
  package func floatingPointOperations(inputs: [Shape], output: Shape) -> Int { (4 * 2 * CosineTransform.size + 20) * output.count }

  package func frozen(_ node: Graph.NodeID) -> FrozenOperation { .unknown }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let codec = JPEGCodec(lowering.shape(node), quality: quality)
    let planes = lowering.makeBuffer(bytes: codec.planesCount * MemoryLayout<Float>.size)
    let examples = lowering.batch
    lowering.emit(label, reads: [source], writes: [result, planes]) { memory, _ in
      for example in 0..<examples {
        codec(memory[source] + example * codec.count, to: memory[result] + example * codec.count, planes: memory[planes])
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) { lowering.passGradientThrough(node) }
}
