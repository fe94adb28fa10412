/// The maximum or the mean over each window, `[height, width, channels]` → `[height', width', channels]`.
package struct Pooling: Operation {
  package enum Kind: Sendable {
    case max
    /// Padding counts as zeros, as in PyTorch's `AvgPool2d`.
    case average
  }

  package let kind: Kind
  package let window: Window

  package init(_ kind: Kind, window: Window) {
    self.kind = kind
    self.window = window
  }

  package var label: String { kind == .max ? "max_pool" : "avg_pool" }

  package func outputShape(of inputs: [Shape]) throws -> Shape {
    let (height, width) = try window.output(inputs[0], of: "a pooling window")
    guard 2 * window.padding <= min(window.height, window.width) else {
      throw GraphError("a pooling window of \(window.height)×\(window.width) takes a padding of at most half its size")
    }
    return [height, width, inputs[0][2]]
  }
}
