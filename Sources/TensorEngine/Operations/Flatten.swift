/// An image as a row of features in PyTorch's order, channel by channel: `[height, width, channels]` → `[channels · height · width]`.
package struct Flatten: Operation {
  package let label = "flatten"
  package init() {}
  package func outputShape(of inputs: [Shape]) throws -> Shape { [inputs[0].count] }
}
