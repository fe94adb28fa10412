/// The values that stand where a maximum pooling found its maxima in another image. It reads the values and the other image.
struct FrozenMaximum: Operation {
  let label = "frozen max_pool"
  let window: Window

  func outputShape(of inputs: [Shape]) throws -> Shape { try Pooling(.max, window: window).outputShape(of: inputs) }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (input, other) = (lowering.input(node, 0), lowering.input(node, 1))
    let (moved, original, result) = (lowering.value(input), lowering.value(other), lowering.makeValue(node))
    // Where in its image each maximum stands, an `Int32` each.
    let positions = lowering.makeBuffer(like: node)
    lowering.save(positions, of: node)
    let search = Search(image: lowering.shape(input), output: lowering.shape(node), window: window)
    let (examples, inputCount, count) = (lowering.batch, lowering.shape(input).count, lowering.shape(node).count)
    lowering.emit(label, reads: [moved, original], writes: [result, positions]) { memory, _ in
      let (moved, original, result) = (memory[moved], memory[original], memory[result])
      memory[positions].withMemoryRebound(to: Int32.self, capacity: examples * count) { positions in
        for example in 0..<examples {
          let found = positions + example * count
          search(original + example * inputCount, found)
          for i in 0..<count { result[example * count + i] = moved[example * inputCount + Int(found[i])] }
        }
      }
    }
  }

  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let input = lowering.input(node)
    guard lowering.requiresGradient(input), let gradient = lowering.summedGradient(at: node), let positions = lowering.saved(of: node)
    else { return }
    let result = lowering.makeBuffer(like: input)
    let (examples, inputCount, count) = (lowering.batch, lowering.shape(input).count, lowering.shape(node).count)
    lowering.emit(label + " to input", reads: [gradient, positions], writes: [result]) { memory, _ in
      let (gradient, result) = (memory[gradient], memory[result])
      result.update(repeating: 0, count: examples * inputCount)
      memory[positions].withMemoryRebound(to: Int32.self, capacity: examples * count) { positions in
        for example in 0..<examples {
          for i in example * count..<(example + 1) * count { result[example * inputCount + Int(positions[i])] += gradient[i] }
        }
      }
    }
    lowering.contribute(result, to: input)
  }

  /// Finds the maximum of each window: the first of several, as the pooling does.
  private struct Search {
    let image, output: Shape
    let window: Window

    func callAsFunction(_ values: UnsafePointer<Float>, _ positions: UnsafeMutablePointer<Int32>) {
      let (height, width, channels) = (image[0], image[1], image[2])
      var next = 0
      for row in 0..<output[0] {
        let top = row * window.stride.height - window.padding.height
        let rows = max(top, 0)..<min(top + window.height, height)
        for column in 0..<output[1] {
          let left = column * window.stride.width - window.padding.width
          let columns = max(left, 0)..<min(left + window.width, width)
          for channel in 0..<channels {
            var best = (rows.lowerBound * width + columns.lowerBound) * channels + channel
            for y in rows {
              for x in columns {
                let position = (y * width + x) * channels + channel
                if values[position] > values[best] { best = position }
              }
            }
            positions[next] = Int32(best)
            next += 1
          }
        }
      }
    }
  }
}
