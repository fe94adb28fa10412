import TensorEngine

/// A plain reference beside the fast path: the same graph by `for` loops in `Double`, one example at a time.
struct ReferenceNetwork {
  let graph: Graph
  /// The values of each parameter, in PyTorch's order.
  var weights: [[Double]]

  /// The value of the last node.
  func callAsFunction(_ image: [Double]) -> [Double] {
    var values: [[Double]] = []
    for node in graph.nodes { values.append(node.inputs.isEmpty ? image : evaluate(node, node.inputs.map { values[$0] })) }
    return values[graph.output]
  }

  /// Central differences of Σ seed · output at the image.
  func imageGradient(_ image: [Double], seed: [Double]) -> [Double] {
    differences(image) { project(self($0), seed) }
  }

  /// Central differences of Σ seed · output at one parameter, summed over images.
  func weightGradient(_ parameter: Int, _ images: [[Double]], seeds: [[Double]]) -> [Double] {
    differences(weights[parameter]) { changed in
      var network = self
      network.weights[parameter] = changed
      return zip(images, seeds).reduce(0) { $0 + project(network($1.0), $1.1) }
    }
  }

  private func project(_ values: [Double], _ seed: [Double]) -> Double { zip(values, seed).reduce(0) { $0 + $1.0 * $1.1 } }

  private func differences(_ point: [Double], _ function: ([Double]) -> Double) -> [Double] {
    let step = 1e-6
    return point.indices.map { index in
      var (above, below) = (point, point)
      above[index] += step
      below[index] -= step
      return (function(above) - function(below)) / (2 * step)
    }
  }

  private func evaluate(_ node: Graph.Node, _ inputs: [[Double]]) -> [Double] {
    let from = graph.nodes[node.inputs[0]].shape
    switch node.operation {
    case let conv as Convolution: return convolve(conv, inputs[0], from, node.shape)
    case let dense as Dense:
      return (0..<dense.units).map { unit in
        let row = inputs[0].indices.reduce(0) { $0 + inputs[0][$1] * weights[dense.weight][unit * inputs[0].count + $1] }
        return row + (dense.bias.map { weights[$0][unit] } ?? 0)
      }
    case let pooling as Pooling: return pool(pooling, inputs[0], from, node.shape)
    case is ReLU: return inputs[0].map { max($0, 0) }
    case is Flatten:
      guard from.rank == 3 else { return inputs[0] }
      return (0..<from[2]).flatMap { channel in (0..<from[0] * from[1]).map { inputs[0][$0 * from[2] + channel] } }
    case is Add: return zip(inputs[0], inputs[1]).map(+)
    case let normalize as Normalize:
      return inputs[0].enumerated().map { index, value in
        let channel = index % normalize.mean.count
        return (value - Double(normalize.mean[channel])) / Double(normalize.deviation[channel])
      }
    default: return inputs[0]
    }
  }

  /// Calls `body` with the offset of each pixel under the window at (row, column), and the offset within the window.
  private func slide(_ window: Window, _ row: Int, _ column: Int, over image: Shape, _ body: (_ pixel: Int, _ offset: Int) -> Void) {
    for dy in 0..<window.height {
      for dx in 0..<window.width {
        let (y, x) = (row * window.stride - window.padding + dy, column * window.stride - window.padding + dx)
        if y >= 0, y < image[0], x >= 0, x < image[1] { body(y * image[1] + x, dy * window.width + dx) }
      }
    }
  }

  private func convolve(_ conv: Convolution, _ image: [Double], _ from: Shape, _ to: Shape) -> [Double] {
    let channels = from[2] / conv.groups
    let area = conv.window.height * conv.window.width
    var result: [Double] = []
    for row in 0..<to[0] {
      for column in 0..<to[1] {
        for filter in 0..<conv.filters {
          var sum = conv.bias.map { weights[$0][filter] } ?? 0
          let first = filter / (conv.filters / conv.groups) * channels
          slide(conv.window, row, column, over: from) { pixel, offset in
            for channel in 0..<channels {
              sum += image[pixel * from[2] + first + channel] * weights[conv.weight][(filter * channels + channel) * area + offset]
            }
          }
          result.append(sum)
        }
      }
    }
    return result
  }

  private func pool(_ pooling: Pooling, _ image: [Double], _ from: Shape, _ to: Shape) -> [Double] {
    var result: [Double] = []
    for row in 0..<to[0] {
      for column in 0..<to[1] {
        for channel in 0..<from[2] {
          var (sum, top) = (0.0, -Double.infinity)
          slide(pooling.window, row, column, over: from) { pixel, _ in
            sum += image[pixel * from[2] + channel]
            top = max(top, image[pixel * from[2] + channel])
          }
          result.append(pooling.kind == .max ? top : sum / Double(pooling.window.height * pooling.window.width))
        }
      }
    }
    return result
  }
}
