extension NetworkBuilder {
  /// bn1, ReLU, conv1, bn2, ReLU, conv2 and the sum with the shortcut (He et al. 2016, arXiv:1603.05027): the input itself, or a 1×1
  /// convolution that starts after the first ReLU.
  ///
  /// - Parameters:
  ///   - shortcut: the name of that convolution.
  ///   - isProjected: whether there is one.
  mutating func preActivationBlock(_ name: String, filters: Int, stride: Int, shortcut: String, isProjected: Bool) throws {
    var side = node
    try batchNorm(name + ".bn1")
    try relu()
    let activated = node
    if isProjected {
      try conv("\(name).\(shortcut)", filters: filters, kernel: 1, stride: stride)
      side = node
      go(to: activated)
    }
    try conv(name + ".conv1", filters: filters, kernel: 3, stride: stride)
    try batchNorm(name + ".bn2")
    try relu()
    try conv(name + ".conv2", filters: filters, kernel: 3)
    try add(side)
  }
}
