/// A convolution by its definition: channels-last images, weights `[filters, channels / groups, height, width]`.
struct ReferenceConvolution: Sendable {
  var batch: Int, height: Int, width: Int, channels: Int, filters: Int
  var kernel: (height: Int, width: Int)
  var stride = (height: 1, width: 1)
  var padding = (height: 0, width: 0)
  var groups = 1

  var outputHeight: Int { (height + 2 * padding.height - kernel.height) / stride.height + 1 }
  var outputWidth: Int { (width + 2 * padding.width - kernel.width) / stride.width + 1 }
  var inputCount: Int { batch * height * width * channels }
  var outputCount: Int { batch * outputHeight * outputWidth * filters }
  var weightCount: Int { filters * channels / groups * kernel.height * kernel.width }

  func forward(_ input: [Double], _ weights: [Double]) -> [ReferenceSum] {
    var result = [ReferenceSum](repeating: ReferenceSum(), count: outputCount)
    forEachTerm { output, source, weight in result[output].add(input[source] * weights[weight]) }
    return result
  }

  func inputGradient(_ gradient: [Double], _ weights: [Double]) -> [ReferenceSum] {
    var result = [ReferenceSum](repeating: ReferenceSum(), count: inputCount)
    forEachTerm { output, source, weight in result[source].add(gradient[output] * weights[weight]) }
    return result
  }

  /// Calls `body` with the indices of every product of an input and a weight, and of the output that it is a term of.
  private func forEachTerm(_ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void) {
    for pixel in 0..<batch * outputHeight * outputWidth {
      let (example, y, x) = (pixel / (outputHeight * outputWidth), pixel / outputWidth % outputHeight, pixel % outputWidth)
      for tap in 0..<kernel.height * kernel.width {
        let row = y * stride.height - padding.height + tap / kernel.width
        let column = x * stride.width - padding.width + tap % kernel.width
        guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
        for filter in 0..<filters {
          let group = filter / (filters / groups)
          for c in 0..<channels / groups {
            body(
              pixel * filters + filter, ((example * height + row) * width + column) * channels + group * (channels / groups) + c,
              (filter * (channels / groups) + c) * kernel.height * kernel.width + tap)
          }
        }
      }
    }
  }
}
