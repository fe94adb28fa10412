/// (x − mean) / deviation, channel by channel: the normalisation that belongs to a model, so that epsilon never depends on it.
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
      throw GraphError("normalisation needs a mean and a deviation for each of the \(channels) channels, not \(mean.count) and \(deviation.count)")
    }
    guard deviation.allSatisfy({ $0 > 0 && $0.isFinite }), mean.allSatisfy(\.isFinite) else {
      throw GraphError("normalisation needs finite means and deviations above 0")
    }
    return inputs[0]
  }
}
