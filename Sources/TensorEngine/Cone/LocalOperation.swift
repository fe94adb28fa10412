/// An operation on images whose value at a place depends on its input around that place alone, when the network is evaluated.
protocol LocalOperation: Operation {
  /// The window that the value depends on; `nil` where what lies outside the image is not zeros, or the window has gaps.
  var reach: Window? { get }
  /// The same for images that bring their border with them.
  var withoutPadding: any Operation { get }
}

/// An operation pixel by pixel.
extension LocalOperation {
  var reach: Window? { Window(1) }
  var withoutPadding: any Operation { self }
}

extension Normalize: LocalOperation {}
extension BatchNorm: LocalOperation {}
extension ReLU: LocalOperation {}
extension Activation: LocalOperation {}
extension Dropout: LocalOperation {}

extension Convolution: LocalOperation {
  var reach: Window? { window.isDilated ? nil : window }
  var withoutPadding: any Operation {
    Convolution(filters: filters, window: window.withoutPadding, groups: groups, weight: weight, bias: bias)
  }
}

extension Pooling: LocalOperation {
  var reach: Window? { kind == .max && window.padding != 0 ? nil : window }
  var withoutPadding: any Operation { Pooling(kind, window: window.withoutPadding) }
}

extension Window {
  fileprivate var withoutPadding: Window { Window(size, stride: stride, dilation: dilation) }
}
