/// (x − mean) / deviation, channel by channel. The normalisation is part of the model, so that epsilon is always in pixels.
package struct Normalize: Operation {
  package let label = "normalize"
  /// One value per channel (the last dimension).
  package let mean: [Float]
  package let deviation: [Float]

  package init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    let channels = inputs[0].dimensions.last ?? 0
    guard mean.count == channels, deviation.count == channels else {
      throw GraphError(
        "normalisation needs a mean and a deviation for each of the \(channels) channels, not \(mean.count) and \(deviation.count)")
    }
    guard deviation.allSatisfy({ $0 > 0 && $0.isFinite }), mean.allSatisfy(\.isFinite) else {
      throw GraphError("normalisation needs finite means and deviations above 0")
    }
    return inputs[0]
  }

  package func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (source, result) = (lowering.value(lowering.input(node)), lowering.makeValue(node))
    let pixels = lowering.batch * lowering.shape(node).count / mean.count
    lowering.emit(label, reads: [source], writes: [result]) { [mean, deviation] memory, _ in
      let (source, result) = (memory[source], memory[result])
      for pixel in 0..<pixels {
        let at = pixel * mean.count
        for channel in mean.indices { result[at + channel] = (source[at + channel] - mean[channel]) / deviation[channel] }
      }
    }
  }

  package func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node) else { return }
    let pixels = lowering.batch * lowering.shape(node).count / mean.count
    let result = lowering.makeBuffer(like: input)
    lowering.emit("normalize to input", reads: [gradient], writes: [result]) { [deviation] memory, _ in
      let (gradient, result) = (memory[gradient], memory[result])
      for pixel in 0..<pixels {
        let at = pixel * deviation.count
        for channel in deviation.indices { result[at + channel] = gradient[at + channel] / deviation[channel] }
      }
    }
    lowering.contribute(result, to: input)
  }
}
