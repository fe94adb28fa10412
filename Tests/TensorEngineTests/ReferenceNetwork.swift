import Foundation
import TensorEngine

/// A plain reference beside the fast path: the same graph by `for` loops in `Double`, one example at a time.
struct ReferenceNetwork {
  let graph: Graph
  /// The values of each parameter, in PyTorch's order.
  private var weights: [[Double]]

  init(_ graph: Graph, _ parameters: Parameters) {
    self.graph = graph
    weights = graph.layout.ids.map { parameters[$0].values.map(Double.init) }
  }

  private subscript(parameter: ParameterID) -> [Double] {
    get { weights[parameter.index] }
    set { weights[parameter.index] = newValue }
  }

  /// The value of the last node.
  func callAsFunction(_ image: [Double]) -> [Double] {
    var values: [[Double]] = []
    for node in graph.nodes {
      let inputs = node.inputs.map { values[$0.index] }
      if let weight = node.operation as? WeightValue {
        values.append(self[weight.weight])
      } else {
        values.append(inputs.isEmpty ? image : evaluate(node, inputs))
      }
    }
    return values[graph.output.index]
  }

  /// Central differences of Σ seed · output at the image.
  func imageGradient(_ image: [Double], seed: [Double]) -> [Double] {
    differences(image) { project(self($0), seed) }
  }

  /// Central differences of Σ seed · output at one parameter, summed over images.
  func weightGradient(_ parameter: ParameterID, _ images: [[Double]], seeds: [[Double]]) -> [Double] {
    differences(self[parameter]) { changed in
      var network = self
      network[parameter] = changed
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
    let from = graph[node.inputs[0]].shape
    switch node.operation {
    case let conv as Convolution: return convolve(conv, inputs[0], from, node.shape)
    case let dense as Dense:
      return rows(inputs[0], from).flatMap { row in
        (0..<dense.units).map { unit in
          let sum = row.indices.reduce(0) { $0 + row[$1] * self[dense.weight][unit * row.count + $1] }
          return sum + (dense.bias.map { self[$0][unit] } ?? 0)
        }
      }
    case let pooling as Pooling: return pool(pooling, inputs[0], from, node.shape)
    case let relu as ReLU: return inputs[0].map { min(max($0, Double(relu.range.lowerBound)), Double(relu.range.upperBound)) }
    case let activation as Activation: return inputs[0].map { $0 * gate(activation.kind, $0) }
    case let median as MedianFilter:
      return windows(inputs[0], from, size: median.size).map { $0.sorted()[$0.count / 2] }
    case let blur as GaussianBlur: return blurred(inputs[0], from, blur)
    case is GlobalAveragePool:
      return (0..<from[2]).map { channel in
        (0..<from[0] * from[1]).reduce(0) { $0 + inputs[0][$1 * from[2] + channel] } / Double(from[0] * from[1])
      }
    case let norm as LayerNorm: return rows(inputs[0], from).flatMap { normalized($0, norm) }
    case let tokens as Tokens: return zip(self[tokens.whole] + inputs[0], self[tokens.positions]).map(+)
    case is FirstToken: return Array(inputs[0].prefix(from[1]))
    case let attention as Attention: return attend(rows(inputs[0], from), attention.heads)
    case let norm as BatchNorm:
      return inputs[0].enumerated().map { index, value in
        let c = index % self[norm.weight].count
        return scaled(value, c, mean: self[norm.mean][c], variance: self[norm.variance][c], norm)
      }
    case is Flatten:
      guard from.rank == 3 else { return inputs[0] }
      return (0..<from[2]).flatMap { channel in (0..<from[0] * from[1]).map { inputs[0][$0 * from[2] + channel] } }
    case is Add: return zip(inputs[0], inputs[1]).map(+)
    case let normalize as Normalize:
      return inputs[0].enumerated().map { index, value in
        let channel = index % normalize.mean.count
        return (value - Double(normalize.mean[channel])) / Double(normalize.deviation[channel])
      }
    default: return ArrayReference.value(node.operation, inputs, node.inputs.map { graph[$0].shape }, node.shape) ?? inputs[0]
    }
  }

  /// For each value of an image those of the window around it, row by row; beyond an edge the image goes on as in a mirror.
  private func windows(_ image: [Double], _ shape: Shape, size: Int) -> [[Double]] {
    func mirrored(_ place: Int, _ extent: Int) -> Int {
      var place = place
      while place < 0 || place >= extent { place = place < 0 ? -1 - place : 2 * extent - 1 - place }
      return place
    }
    return image.indices.map { index in
      let (row, column, channel) = (index / (shape[1] * shape[2]), index / shape[2] % shape[1], index % shape[2])
      return (0..<size * size).map { offset in
        let (y, x) = (mirrored(row + offset / size - size / 2, shape[0]), mirrored(column + offset % size - size / 2, shape[1]))
        return image[(y * shape[1] + x) * shape[2] + channel]
      }
    }
  }

  private func blurred(_ image: [Double], _ shape: Shape, _ blur: GaussianBlur) -> [Double] {
    let weights = (0..<blur.size * blur.size).map { offset in
      let (y, x) = (Double(offset / blur.size - blur.size / 2), Double(offset % blur.size - blur.size / 2))
      return exp(-(y * y + x * x) / (2 * blur.deviation * blur.deviation))
    }
    let total = weights.reduce(0, +)
    return windows(image, shape, size: blur.size).map { zip($0, weights).reduce(0) { $0 + $1.0 * $1.1 } / total }
  }

  /// What lies along the last dimension, piece by piece.
  private func rows(_ values: [Double], _ shape: Shape) -> [[Double]] {
    let width = shape.dimensions.last ?? 1
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }

  private func gate(_ kind: Activation.Kind, _ x: Double) -> Double {
    switch kind {
    case .gelu: 0.5 * (1 + erf(x / 2.0.squareRoot()))
    case .silu: 1 / (1 + exp(-x))
    }
  }

  private func normalized(_ row: [Double], _ norm: LayerNorm) -> [Double] {
    let mean = row.reduce(0, +) / Double(row.count)
    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
    return row.enumerated().map { index, value in
      (value - mean) / (variance + Double(norm.epsilon)).squareRoot() * self[norm.weight][index] + self[norm.bias][index]
    }
  }

  private func attend(_ tokens: [[Double]], _ heads: Int) -> [Double] {
    let width = tokens[0].count / 3 / heads
    return tokens.flatMap { token in
      (0..<heads).flatMap { head in
        func part(_ token: [Double], _ kind: Int) -> ArraySlice<Double> { token[((kind * heads + head) * width)...].prefix(width) }
        let scores = tokens.map { exp(zip(part(token, 0), part($0, 1)).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot()) }
        let total = scores.reduce(0, +)
        return (0..<width).map { index in
          zip(scores, tokens).reduce(0) { sum, pair in
            let values = part(pair.1, 2)
            return sum + pair.0 / total * values[values.startIndex + index]
          }
        }
      }
    }
  }

  private func scaled(_ value: Double, _ channel: Int, mean: Double, variance: Double, _ norm: BatchNorm) -> Double {
    (value - mean) / (variance + Double(norm.epsilon)).squareRoot() * self[norm.weight][channel] + self[norm.bias][channel]
  }

  // MARK: A batch

  /// The values of the last node for a batch whose batch norm uses the batch's own statistics.
  func ofBatch(_ images: [[Double]]) -> [[Double]] {
    var values: [[[Double]]] = []
    for node in graph.nodes {
      if let norm = node.operation as? BatchNorm {
        values.append(normalized(values[node.inputs[0].index], norm))
      } else {
        values.append(
          images.indices.map { example in
            node.inputs.isEmpty ? images[example] : evaluate(node, node.inputs.map { values[$0.index][example] })
          })
      }
    }
    return values[graph.output.index]
  }

  /// The mean and the variance of each channel, and over how many values.
  func statistics(_ examples: [[Double]], channels: Int) -> [(mean: Double, variance: Double, count: Int)] {
    (0..<channels).map { channel in
      let all = examples.flatMap { example in stride(from: channel, to: example.count, by: channels).map { example[$0] } }
      let mean = all.reduce(0, +) / Double(all.count)
      return (mean, all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count), all.count)
    }
  }

  private func normalized(_ examples: [[Double]], _ norm: BatchNorm) -> [[Double]] {
    let channels = self[norm.weight].count
    let statistics = statistics(examples, channels: channels)
    return examples.map { example in
      example.enumerated().map { index, value in
        let c = index % channels
        return scaled(value, c, mean: statistics[c].mean, variance: statistics[c].variance, norm)
      }
    }
  }

  /// Central differences of Σ seed · output over the whole batch at one parameter.
  func batchWeightGradient(_ parameter: ParameterID, _ images: [[Double]], seeds: [[Double]]) -> [Double] {
    differences(self[parameter]) { changed in
      var network = self
      network[parameter] = changed
      return zip(network.ofBatch(images), seeds).reduce(0) { $0 + project($1.0, $1.1) }
    }
  }

  /// The same at one of the images.
  func batchImageGradient(_ example: Int, _ images: [[Double]], seeds: [[Double]]) -> [Double] {
    differences(images[example]) { changed in
      var images = images
      images[example] = changed
      return zip(ofBatch(images), seeds).reduce(0) { $0 + project($1.0, $1.1) }
    }
  }

  /// Calls `body` with the offset of each pixel under the window at (row, column), and the offset within the window.
  private func slide(_ window: Window, _ row: Int, _ column: Int, over image: Shape, _ body: (_ pixel: Int, _ offset: Int) -> Void) {
    for dy in 0..<window.height {
      for dx in 0..<window.width {
        let (y, x) = (
          row * window.stride.height - window.padding.height + dy * window.dilation.height,
          column * window.stride.width - window.padding.width + dx * window.dilation.width
        )
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
          var sum = conv.bias.map { self[$0][filter] } ?? 0
          let first = filter / (conv.filters / conv.groups) * channels
          slide(conv.window, row, column, over: from) { pixel, offset in
            for channel in 0..<channels {
              sum += image[pixel * from[2] + first + channel] * self[conv.weight][(filter * channels + channel) * area + offset]
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
